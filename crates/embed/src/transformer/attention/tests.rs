//! Attention on a CPU against attention on another device, in every variant.
#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::distances::Distances;
use super::head_norms::HeadNorms;
use super::rotation::Rotation;
use super::shape::Attention;
use super::span::AttentionSpan;

/// Returns pseudorandom numbers between −1 and 1.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn check(attention: &Attention, what: &str) {
    let lengths = [300, 130, 130, 7, 3, 3, 1];
    let tokens: usize = lengths.iter().sum();
    let values = noise(tokens * attention.joint(), 7);
    let joint = Tensor::from_vec(values.clone(), (tokens, attention.joint()), &Device::Cpu).unwrap();
    let fast = attention.forward(&joint, &lengths).unwrap().to_vec2::<f32>().unwrap();
    let slow = attention.on_device(&joint, &lengths).unwrap().to_vec2::<f32>().unwrap();
    for (row, (fast, slow)) in fast.iter().zip(&slow).enumerate() {
        for (fast, slow) in fast.iter().zip(slow) {
            assert!((fast - slow).abs() < 2e-5, "{what}: token {row}: {fast}, {slow}");
        }
    }
    // Each text alone has the same bits.
    let mut start = 0;
    for length in lengths {
        let alone = joint.narrow(0, start, length).unwrap().contiguous().unwrap();
        let alone = attention.forward(&alone, &[length]).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(alone, fast[start..start + length], "{what}");
        start += length;
    }
}

#[test]
fn every_variant_gives_the_same_on_a_cpu_as_on_another_device() {
    let plain = Attention::plain(24, 3);
    check(&plain, "plain");
    check(&Attention { span: AttentionSpan::Causal(usize::MAX), ..plain.clone() }, "causal");
    check(&Attention { span: AttentionSpan::Causal(5), ..plain.clone() }, "the last five");
    check(&Attention { span: AttentionSpan::Around(4), ..plain.clone() }, "four around");
    check(&Attention { cap: Some(0.5), ..plain.clone() }, "capped");
    check(&Attention { heads: 6, kv_heads: 2, ..plain.clone() }, "shared keys");
    let distances = Distances::new(3, 400, |head, distance| (head as f32 + 1.0) * distance as f32 / 100.0);
    check(&Attention { distances: Some(Arc::new(distances)), ..plain.clone() }, "distances");
    let rotation = Rotation::new(&[1.0, 0.1, 0.01], 400, 1.0);
    let norms = HeadNorms { queries: noise(8, 1), keys: noise(8, 2), eps: 1e-6 };
    let rotated = Attention { rotation: Some(Arc::new(rotation)), ..plain };
    check(&rotated, "three of four pairs rotated");
    check(&Attention { head_norms: Some(Arc::new(norms)), ..rotated }, "normalized and rotated");
}
