use crate::similarity::kernels::isa::Isa;
use crate::similarity::kernels::types::{BLOCK, Highest, LANES, LaneTerms, Products};

fn noise(i: usize, seed: u64) -> f32 {
    crate::random::unit(seed, 0, i as u64) as f32 - 0.5
}

#[test]
fn all_estimates_and_the_highest_of_each_lane_are_the_same_as_those_of_a_plain_loop() {
    const PANELS: usize = 3;
    let scales: Vec<f32> = (0..7).map(|i| noise(i, 1)).collect();
    for isa in Isa::available() {
        let mut estimates = vec![[0.0; LANES]; scales.len() * PANELS];
        let mut highest = vec![Highest::NONE; scales.len()];
        let mut plain = vec![Vec::new(); scales.len()];
        for panel in 0..PANELS {
            let mut products: Products = [[0; LANES]; BLOCK];
            let some = products.as_flattened_mut().iter_mut().enumerate();
            some.for_each(|(i, x)| *x = (1000.0 * noise(i, 2 + panel as u64)) as i32);
            let scale = std::array::from_fn(|l| noise(l, 7));
            let bias = std::array::from_fn(|l| if l == 9 { f32::NEG_INFINITY } else { noise(l, 8) });
            let terms = LaneTerms { scale: &scale, bias: &bias };
            isa.estimate_all(&products, &scales, terms, PANELS, &mut estimates[panel..], &mut highest);
            for (i, plain) in plain.iter_mut().enumerate() {
                let of_lane =
                    |l: usize| f64::from(products[i][l]) * f64::from(scale[l]) * f64::from(scales[i]);
                plain.extend((0..LANES).map(|l| (of_lane(l) + f64::from(bias[l])) as f32));
            }
        }
        for (i, plain) in plain.iter_mut().enumerate() {
            let found = estimates[i * PANELS..(i + 1) * PANELS].as_flattened();
            let is_close = |(a, b): (&f32, &f32)| a == b || (a - b).abs() <= 1e-5 * b.abs().max(1.0);
            assert!(found.iter().zip(plain.iter()).all(is_close), "{isa:?}");
            let mut sorted = found.to_vec();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            assert_eq!(isa.two_highest(&highest[i]), (sorted[0], sorted[1]), "{isa:?}");
            for (panel, estimates) in found.as_chunks::<LANES>().0.iter().enumerate() {
                let threshold = sorted[20];
                let expected = (0..LANES).filter(|&l| estimates[l] >= threshold);
                let expected = expected.fold(0, |lanes, l| lanes | 1 << l);
                assert_eq!(isa.reaching(estimates, threshold), expected, "{isa:?} panel {panel}");
            }
        }
    }
}
