//! The confidence interval of a share.

/// The quantile of the normal distribution that 2.5 % exceed.
const Z: f64 = 1.959_963_984_540_054;

/// Returns the lower and upper end of the 95 % score interval of a binomial share (Wilson, "Probable
/// inference, the law of succession, and statistical inference", Journal of the American Statistical
/// Association 22, 1927).
///
/// `share` is in [0, 1]. `size` is above 0 and need not be whole: where draws are not independent, it
/// is the number of independent draws that would say as much. An infinite size gives the share
/// itself twice.
pub fn wilson(share: f64, size: f64) -> (f64, f64) {
    if size.is_infinite() {
        return (share, share);
    }
    let centre = share + Z * Z / (2.0 * size);
    let half = Z * (share * (1.0 - share) / size + Z * Z / (4.0 * size * size)).sqrt();
    let scale = 1.0 + Z * Z / size;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // 81 of 263 and 15 of 148: the worked examples of Newcombe 1998, table I.
        for (found, of, low, high) in [(81.0, 263.0, 0.2553, 0.3662), (15.0, 148.0, 0.0624, 0.1605)] {
            let found = wilson(found / of, of);
            assert!((found.0 - low).abs() < 5e-5 && (found.1 - high).abs() < 5e-5, "{found:?}");
        }
        let (all, none) = (wilson(1.0, 10.0), wilson(0.0, 10.0));
        assert!(all.1 > 1.0 - 1e-12 && all.1 <= 1.0, "{all:?}");
        assert!(none.0 < 1e-12 && none.0 >= 0.0, "{none:?}");
    }

    #[test]
    fn its_ends_are_the_shares_that_the_score_test_does_not_reject() {
        for (share, size) in [(0.9, 40.0), (1.0, 25.0), (0.03, 300.5)] {
            let (low, high) = wilson(share, size);
            let score = |p: f64| (share - p).abs() / (p * (1.0 - p) / size).sqrt();
            for end in [low, high].into_iter().filter(|end| (1e-9..1.0 - 1e-9).contains(end)) {
                assert!((score(end) - Z).abs() < 1e-9, "{share} {size} {end}");
            }
        }
        assert_eq!(wilson(0.25, f64::INFINITY), (0.25, 0.25));
    }
}
