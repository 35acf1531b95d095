//! Numbers as people read them.

use indicatif::HumanCount;

/// Formats a number of rows: `45,663`.
pub fn count(rows: u64) -> String {
    HumanCount(rows).to_string()
}

/// Formats a number of rows and its share of `of` rows: `1 (33.3 %)`. The share of zero rows is
/// left out.
pub fn share_of(rows: u64, of: u64) -> String {
    if of == 0 { count(rows) } else { format!("{} ({})", count(rows), percent(rows as f64 / of as f64)) }
}

/// Formats a share from 0 to 1: `33.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Formats a number with at most six digits after the point and no trailing zeros.
pub fn decimal(number: f64) -> String {
    let digits = format!("{number:.6}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Formats a duration in seconds: `3.1 s`, `4 min 10 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_but_not_wrong() {
        assert_eq!(decimal(0.1), "0.1");
        assert_eq!(decimal(1.0), "1");
        assert_eq!(decimal(0.123_456_78), "0.123457");
        assert_eq!(share_of(0, 0), "0");
        assert_eq!(share_of(1, 3), "1 (33.3 %)");
    }

    #[test]
    fn durations_have_the_units_in_which_people_think_of_them() {
        assert_eq!(duration(0.04), "0.0 s");
        assert_eq!(duration(59.6), "1 min 0 s");
        assert_eq!(duration(250.0), "4 min 10 s");
        assert_eq!(duration(7_500.0), "2 h 5 min");
    }
}
