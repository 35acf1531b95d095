//! Prints values of any type as Arrow displays them.

use arrow_array::timezone::Tz;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast::cast;
use arrow_schema::DataType;

/// Returns a column that [`arrow_cast::display::ArrayFormatter`] can print.
///
/// Without a database of time zones, Arrow refuses to print a time whose zone has a name, such as
/// `UTC` or `Europe/Berlin`. Times are stored in UTC whatever their zone is, so they are printed in
/// UTC. Other columns are returned as they are.
pub(crate) fn printable(values: &ArrayRef) -> ArrayRef {
    let DataType::Timestamp(unit, Some(zone)) = values.data_type() else { return values.clone() };
    if zone.parse::<Tz>().is_ok() {
        return values.clone();
    }
    cast(values, &DataType::Timestamp(*unit, Some("+00:00".into()))).unwrap_or_else(|_| values.clone())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::TimestampMicrosecondArray;
    use arrow_cast::display::array_value_to_string;

    use super::*;

    #[test]
    fn times_of_named_zones_are_printed_in_utc() {
        for (zone, shown) in [
            ("UTC", "2026-11-30T06:34:58.000001Z"),
            ("Europe/Berlin", "2026-11-30T06:34:58.000001Z"),
            ("+00:00", "2026-11-30T06:34:58.000001Z"),
            ("+02:00", "2026-11-30T08:34:58.000001+02:00"),
        ] {
            let times = TimestampMicrosecondArray::from(vec![Some(1_796_020_498_000_001), None]);
            let times: ArrayRef = Arc::new(times.with_timezone(zone));
            let printable = printable(&times);
            assert_eq!(array_value_to_string(&printable, 0).expect(zone), shown);
            assert!(printable.is_null(1));
        }
    }
}
