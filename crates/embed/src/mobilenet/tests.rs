//! All instruction sets compute the same, and resizing does what PIL does.

use image::RgbImage;

use super::isa::{Isa, is_name};
use super::model::MODEL;
use super::network::{DIM, Network, SIDE, Space};
use super::resize::Resizer;

/// The picture of `make_mobilenet_reference.py --resize`.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([0, 50, 100].map(|c| ((7 * x + 13 * y + c) ^ (x * y)) as u8))
    })
}

#[test]
fn all_instruction_sets_compute_the_same() {
    let mut resizer = Resizer::default();
    let image = resizer.squeeze(&picture(300, 200), Isa::PORTABLE);
    let results: Vec<[u8; DIM]> = Isa::all()
        .into_iter()
        .map(|isa| {
            let mut out = [0; DIM];
            Network::read(MODEL, isa).expect("the network").run(image, &mut Space::default(), &mut out);
            out
        })
        .collect();
    assert!(results[0].iter().any(|&v| v != 0));
    assert!(results.iter().all(|r| r == &results[0]));
}

/// FNV-1a hashes of PIL's results, printed by `tests/data/make_mobilenet_reference.py --resize`.
#[test]
fn images_are_resized_as_pil_resizes_them() {
    let expected = [
        (1, 1, 0x921d_fb61_1ac3_7325_u64),
        (2, 3, 0x970e_9526_0301_4da1),
        (224, 224, 0x8f65_b3ba_8186_23e5),
        (224, 100, 0xbdb3_6b68_12ec_89ec),
        (100, 224, 0x3221_1527_4e13_3f82),
        (225, 223, 0xe9e9_3001_53cd_ade3),
        (640, 17, 0x790b_2c2b_9714_2358),
        (31, 700, 0x6474_5853_466c_1475),
        (1000, 450, 0x2c1a_293b_043a_e2af),
    ];
    let mut resizer = Resizer::default();
    for (width, height, hash) in expected {
        for isa in Isa::all() {
            let square = resizer.squeeze(&picture(width, height), isa);
            assert_eq!(square.len(), SIDE * SIDE * 3);
            let mixed = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            assert_eq!(square.iter().fold(0xcbf2_9ce4_8422_2325, mixed), hash, "{width}x{height} {isa:?}");
        }
    }
}

#[test]
fn layers_that_do_not_fit_together_are_not_taken_for_the_network() {
    let mut network = Network::read(MODEL, Isa::PORTABLE).expect("the network");
    assert!(network.is_connected());
    network.pairs.swap(0, 1);
    assert!(!network.is_connected(), "64 channels behind 32");
    network.pairs.swap(0, 1);
    network.pairs.truncate(11);
    assert!(!network.is_connected(), "512 outputs instead of 1,024");
}

#[test]
fn another_file_is_not_taken_for_the_network() {
    let isa = Isa::PORTABLE;
    assert!(Network::read(b"", isa).is_none());
    assert!(Network::read(&[0; 100], isa).is_none());
    assert!(Network::read(&[0xff; 100], isa).is_none());
    for kept in [10, 1_000, 100_000, 1_000_000, 2_000_000, 3_000_000] {
        assert!(Network::read(&MODEL[..kept], isa).is_none(), "the first {kept} bytes");
    }
}

#[test]
fn every_instruction_set_of_the_core_has_its_name_here() {
    let core = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src/similarity/kernels/isa.rs");
    let core = std::fs::read_to_string(core).expect("the core, which lies beside this crate");
    // Lines such as `Self::Avx2 => "avx2",`.
    let names: Vec<&str> =
        core.lines().filter_map(|line| line.split("=> \"").nth(1)?.split('"').next()).collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        assert!(is_name(name), "{name}");
    }
    for isa in Isa::all() {
        assert!(isa.names().iter().all(|name| is_name(name)), "{isa:?}");
    }
    assert!(!is_name("baseline"));
}

#[test]
fn an_emulated_cpu_has_the_kernels_that_it_is_meant_to_test() {
    if let Ok(expected) = std::env::var("SEMDEDUP_EXPECTED_ISA") {
        assert!(Isa::best().names().contains(&expected.as_str()), "{:?} instead of {expected}", Isa::best());
    }
}
