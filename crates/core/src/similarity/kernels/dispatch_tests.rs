use proptest::prelude::*;

use super::*;
use crate::similarity::kernels::loops;
use crate::similarity::kernels::types::LEVELS;

fn noise(i: usize, seed: u64) -> f32 {
    crate::random::unit(seed, 0, i as u64) as f32 - 0.5
}

fn slow_dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// Codes for a product kernel, as shares (0 to 1) of the largest code that the kernel takes.
struct Shares {
    rows: Vec<Vec<f64>>,
    /// The values of the panel, four of each lane for each step.
    panel: Vec<f64>,
    start: [i32; LANES],
}

impl Shares {
    /// Finds where a kernel of this CPU disagrees with the definition, summed one by one, or writes
    /// to other rows. Returns the kernel, the row and the lane.
    fn disagreement(&self) -> Option<(Isa, usize, usize)> {
        Isa::available().into_iter().find_map(|isa| self.disagreement_of(isa))
    }

    fn disagreement_of(&self, isa: Isa) -> Option<(Isa, usize, usize)> {
        const UNTOUCHED: i32 = 0x5EED;
        let unsigned = |share: &f64| (share * 2.0 * f64::from(isa.levels())).round() as u8;
        let signed = |share: &f64| unsigned(share).wrapping_sub(isa.levels());
        let rows: Vec<Vec<u8>> = self.rows.iter().map(|row| row.iter().map(unsigned).collect()).collect();
        let panel: Vec<u8> = self.panel.iter().map(signed).collect();
        let mut slow: Products = [[UNTOUCHED; LANES]; BLOCK];
        for (row, sums) in rows.iter().zip(&mut slow) {
            for (l, sum) in sums.iter_mut().enumerate() {
                let value = |p: usize| panel[p / STEP * LANES * STEP + l * STEP + p % STEP].cast_signed();
                let exact: i64 = (0..row.len()).map(|p| i64::from(row[p]) * i64::from(value(p))).sum();
                *sum = (i64::from(self.start[l]) + exact) as i32;
            }
        }
        let mut products = [[UNTOUCHED; LANES]; BLOCK];
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let panel: Vec<u32> = panel.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word)).collect();
        isa.products(&rows, &panel, &self.start, &mut products);
        let mut places = (0..BLOCK).flat_map(|i| (0..LANES).map(move |l| (i, l)));
        places.find(|&(i, l)| products[i][l] != slow[i][l]).map(|(i, l)| (isa, i, l))
    }
}

proptest! {
    #[test]
    fn every_dot_product_agrees_with_f64_and_is_symmetric(dim in 1usize..300, seed in any::<u64>()) {
        let a: Vec<f32> = (0..dim).map(|p| noise(p, seed)).collect();
        let b: Vec<f32> = (0..dim).map(|p| noise(1000 + p, seed)).collect();
        for isa in Isa::available() {
            prop_assert!((f64::from(isa.dot(&a, &b)) - slow_dot(&a, &b)).abs() < 3e-6);
            prop_assert_eq!(isa.dot(&a, &b).to_bits(), isa.dot(&b, &a).to_bits());
            prop_assert!((isa.norm(&a) - slow_dot(&a, &a).sqrt()).abs() < 1e-12);
            let apart = a.iter().zip(&b).map(|(&x, &y)| f64::from(x - y).powi(2)).sum::<f64>();
            prop_assert!((f64::from(isa.squared_distance(&a, &b)) - apart).abs() < 1e-5 * apart.max(1e-3));
            let padded = [a.clone(), vec![0.0; 70]].concat();
            prop_assert_eq!(isa.dot(&padded, &padded).to_bits(), isa.dot(&a, &a).to_bits());
        }
        let fused = |isa: &Isa| cfg!(target_arch = "aarch64") || !["sse2", "portable"].contains(&isa.name());
        let bits: Vec<u32> =
            Isa::available().iter().filter(|isa| fused(isa)).map(|isa| isa.dot(&a, &b).to_bits()).collect();
        prop_assert!(bits.windows(2).all(|two| two[0] == two[1]), "all kernels with fused multiply-add agree");
    }

    #[test]
    fn every_kernel_gives_the_integers_of_the_definition(
        steps in 1usize..40, height in 1usize..=BLOCK, seed in any::<u64>(),
    ) {
        let share = |i: usize| crate::random::unit(seed, 1, i as u64);
        let shares = Shares {
            rows: (0..height).map(|i| (0..steps * STEP).map(|p| share(i * 1000 + p)).collect()).collect(),
            panel: (0..steps * STEP * LANES).map(|i| share(1_000_000 + i)).collect(),
            start: std::array::from_fn(|l| crate::random::bits(seed, 2, l as u64) as i32),
        };
        prop_assert_eq!(shares.disagreement(), None);
    }

    #[test]
    fn codes_of_as_many_levels_are_the_same_on_every_instruction_set(dim in 1usize..600, seed in any::<u64>()) {
        let (row, reference): (Vec<f32>, Vec<f32>) =
            (0..dim).map(|p| (noise(p, seed), 0.1 * noise(1000 + p, seed))).unzip();
        let row = RowToEncode { row: &row, reference: &reference, origin: &reference };
        let codes = |isa: Isa| {
            let mut codes = vec![0; dim.next_multiple_of(STEP)];
            let summary = isa.encode(LEVELS, row, &mut codes);
            (codes, summary.sum)
        };
        let all: Vec<_> = Isa::available().into_iter().map(codes).collect();
        prop_assert!(all.windows(2).all(|two| two[0] == two[1]));
    }

    #[test]
    fn the_quantization_error_is_at_most_the_reported_one(dim in 1usize..200, spread in -30i32..3, seed in any::<u64>()) {
        let reference: Vec<f32> = (0..dim).map(|p| noise(p, seed)).collect();
        let origin: Vec<f32> = (0..dim).map(|p| noise(5000 + p, seed)).collect();
        let row: Vec<f32> =
            (0..dim).map(|p| reference[p] + noise(9000 + p, seed) * 2f32.powi(spread)).collect();
        for isa in Isa::available() {
            let mut codes = vec![7; dim.next_multiple_of(STEP)];
            let row_to_encode = RowToEncode { row: &row, reference: &reference, origin: &origin };
            let encoded = isa.encode(isa.levels(), row_to_encode, &mut codes);
            let levels = isa.levels();
            let signed: Vec<i32> = codes.iter().map(|&c| i32::from(c) - i32::from(levels)).collect();
            let values: Vec<f64> = signed.iter().map(|&c| f64::from(c) * f64::from(encoded.scale)).collect();
            let difference: Vec<f64> =
                row.iter().zip(&reference).map(|(&x, &r)| f64::from(x - r)).collect();
            let lost = difference.iter().zip(&values).map(|(d, v)| (d - v).powi(2)).sum::<f64>().sqrt();
            let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
            prop_assert!(signed.iter().all(|code| code.unsigned_abs() <= u32::from(levels)));
            prop_assert!(signed[dim..].iter().all(|&code| code == 0));
            // Code times scale is rounded to f32.
            prop_assert!(lost <= f64::from(encoded.error) * 1.0005 + norm * 3e-7 + 1e-20);
            prop_assert!((norm - f64::from(encoded.norm)).abs() <= norm * 1e-4);
            prop_assert_eq!(encoded.sum, signed.iter().sum::<i32>());
            let bias: f64 = difference.iter().zip(&origin).map(|(d, &o)| d * f64::from(o)).sum();
            prop_assert!((bias - f64::from(encoded.bias)).abs() < 1e-5);
        }
    }

    #[test]
    fn estimates_mark_the_lanes_that_pass_the_filter(height in 1usize..=BLOCK, seed in any::<u64>()) {
        let products: Products =
            std::array::from_fn(|i| std::array::from_fn(|l| (noise(i * LANES + l, seed) * 1e4) as i32));
        let scale: [f32; LANES] = std::array::from_fn(|l| 1e-3 * (l as f32 + 1.0));
        let bias: [f32; LANES] = std::array::from_fn(|l| noise(5000 + l, seed));
        let query = |i: usize| EstimateFilter {
            scale: 1e-2,
            threshold: if i % 5 == 4 { f32::NEG_INFINITY } else { noise(7000 + i, seed) },
            window: if i.is_multiple_of(2) { 0.3 } else { f32::INFINITY },
            lanes: (crate::random::bits(seed, 2, i as u64) as u32).checked_shr(i as u32 % 33).unwrap_or(0),
        };
        let queries: Vec<EstimateFilter> = (0..height).map(query).collect();
        for isa in Isa::available() {
            let mut out = PassedEstimates::NONE;
            isa.estimate(&products, &queries, LaneTerms { scale: &scale, bias: &bias }, &mut out);
            for (i, query) in queries.iter().enumerate() {
                let slow = |l: usize| products[i][l] as f32 * scale[l] * query.scale + bias[l];
                let wanted = |l: &usize| query.lanes >> l & 1 == 1;
                let best = (0..LANES).filter(wanted).map(slow).fold(f32::NEG_INFINITY, f32::max);
                let threshold = query.threshold.max(best - query.window);
                for l in 0..LANES {
                    let passed = out.lanes[i] >> l & 1 == 1;
                    prop_assert!(!passed || wanted(&l));
                    if wanted(&l) && (slow(l) - threshold).abs() > 1e-5 {
                        prop_assert_eq!(passed, slow(l) > threshold, "{:?} row {} lane {}", isa, i, l);
                    }
                    if passed {
                        prop_assert!((out.estimates[i][l] - slow(l)).abs() < 1e-5);
                    }
                }
            }
        }
    }
}

#[test]
fn every_kernel_gives_the_integers_of_the_definition_on_extremes_and_tails() {
    // The least, the middle, which stands for zero, and the largest value, with their neighbours.
    const VALUES: [f64; 6] = [0.0, 1.0 / 254.0, 0.5, 128.0 / 254.0, 253.0 / 254.0, 1.0];
    // First each extreme of a row with each of a lane, then random mixtures.
    let pick = |case: usize, other: usize, i: usize| {
        if case < 36 { other } else { crate::random::bits(case as u64, 3, i as u64) as usize % 6 }
    };
    for case in 0..48 {
        for (steps, height) in
            [(1, 1), (2, 2), (3, 7), (4, 13), (5, 6), (7, 47), (8, 48), (9, 5), (64, 3), (67, 11)]
        {
            let row = |i: usize| move |p: usize| VALUES[pick(case, case % 6, 1000 * i + p)];
            let shares = Shares {
                rows: (0..height).map(|i| (0..steps * STEP).map(row(i)).collect()).collect(),
                panel: (0..steps * STEP * LANES)
                    .map(|i| VALUES[pick(case, case / 6, 1_000_000 + i)])
                    .collect(),
                start: std::array::from_fn(|l| [0, 1, -1, i32::MAX, i32::MIN][l % 5]),
            };
            assert_eq!(shares.disagreement(), None, "case {case}, {steps} steps, {height} rows");
        }
    }
}

#[test]
fn every_kernel_computes_each_number_of_rows() {
    for height in 1..=BLOCK {
        let shares = Shares {
            rows: (0..height).map(|i| vec![i as f64 / BLOCK as f64; 5 * STEP]).collect(),
            panel: (0..5 * STEP * LANES).map(|i| (i / STEP % LANES) as f64 / LANES as f64).collect(),
            start: [0; LANES],
        };
        assert_eq!(shares.disagreement(), None, "{height} rows");
    }
}

#[test]
fn a_sum_that_overflows_on_the_way_is_correct_in_the_end() {
    const DIM: usize = 140_000;
    for isa in Isa::available() {
        let levels = i32::from(isa.levels());
        assert!(2 * i64::from(levels * levels) * DIM as i64 > i64::from(i32::MAX));
        let start = (-levels * levels).wrapping_mul(DIM as i32);
        let shares =
            Shares { rows: vec![vec![1.0; DIM]; 7], panel: vec![1.0; DIM * LANES], start: [start; LANES] };
        assert_eq!(shares.disagreement_of(isa), None);
    }
}

#[test]
fn kernels_accept_no_rows_and_rows_without_values() {
    let no_rows = Shares { rows: Vec::new(), panel: vec![0.5; STEP * LANES], start: [7; LANES] };
    assert_eq!(no_rows.disagreement(), None);
    let start = std::array::from_fn(|l| l as i32);
    let no_values = Shares { rows: vec![Vec::new(); 13], panel: Vec::new(), start };
    assert_eq!(no_values.disagreement(), None);
}

#[test]
fn f16_conversion_is_the_same_on_every_instruction_set_for_every_length() {
    let half: Vec<u16> = (0..40).map(|i| 0x3C01 + 977 * i).filter(|bits| bits & 0x7C00 != 0x7C00).collect();
    for isa in Isa::available() {
        for end in 0..half.len() {
            let (mut out, mut slow) = (vec![7.0; end], vec![9.0; end]);
            isa.half_to_f32(&half[..end], &mut out);
            loops::half_to_f32_portable(&half[..end], &mut slow);
            assert_eq!(out, slow, "{isa:?}");
        }
    }
}

#[test]
fn every_f16_number_keeps_its_value() {
    let half: Vec<u16> = (0..=u16::MAX).collect();
    for isa in Isa::available() {
        let mut out = vec![0.0; half.len()];
        isa.half_to_f32(&half, &mut out);
        for (&bits, &x) in half.iter().zip(&out) {
            let known = match bits & 0x7FFF {
                0 => Some(0.0),
                1 => Some(2f32.powi(-24)),
                0x03FF => Some(1023.0 * 2f32.powi(-24)),
                0x0400 => Some(2f32.powi(-14)),
                0x3C00 => Some(1.0),
                0x3555 => Some(0.333_251_95),
                0x7BFF => Some(65504.0),
                0x7C00 => Some(f32::INFINITY),
                _ => None,
            };
            assert!(known.is_none_or(|known: f32| known == x.abs()), "{bits:04x} {x}");
            assert_eq!(bits & 0x7FFF > 0x7C00, x.is_nan(), "{bits:04x}");
            assert!(x.is_nan() || (bits >> 15 == 1) == x.is_sign_negative(), "{bits:04x}");
        }
        // Positive numbers are in the order of their bits.
        assert!(out[..0x7C01].is_sorted_by(|a, b| a < b));
    }
}
