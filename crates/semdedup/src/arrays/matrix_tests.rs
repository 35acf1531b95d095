//! Tests that matrices by numpy and safetensors are read correctly, and that damaged ones are
//! refused.
#![allow(clippy::unwrap_used)]

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npy").join(name)
}

fn values() -> Vec<f32> {
    (-6i8..6).map(|i| f32::from(i) / 4.0).collect()
}

#[test]
fn matrices_of_every_container_version_and_float_type_are_read() {
    for name in [
        "f32.npy",
        "f16.npy",
        "f64.npy",
        "version2.npy",
        "version3.npy",
        "stored.npz",
        "deflated.npz",
        "named.npz",
        "f16.safetensors",
        "bf16.safetensors",
        "f32.safetensors",
        "f64.safetensors",
    ] {
        let matrix = Matrix::open(&fixture(name)).unwrap();
        assert_eq!((matrix.rows(), matrix.dim()), (4, 3), "{name}");
        let mut all = vec![0.0; 12];
        matrix.read(0, &mut all).unwrap();
        assert_eq!(all, values(), "{name}");
        let mut row = vec![0.0; 3];
        matrix.read(2, &mut row).unwrap();
        assert_eq!(row, values()[6..9], "{name}");
    }
    assert_eq!(Matrix::open(&fixture("no_rows.npy")).unwrap().rows(), 0);
}

#[test]
fn a_file_that_is_not_a_row_major_matrix_of_floats_is_refused_with_its_type() {
    let problem = |name: &str| Matrix::open(&fixture(name)).unwrap_err().to_string();
    assert!(problem("fortran.npy").contains("Fortran order"));
    assert!(problem("big_endian.npy").contains(">f4"));
    assert!(problem("vector.npy").contains("F32 of shape [3]"));
    assert!(problem("int64.npy").contains("I64 of shape [3]"));
    assert!(problem("several.npz").contains("which of a, b is meant"));
    assert!(problem("several.safetensors").contains("which of a, b is meant"));
    assert!(problem("whole_numbers.safetensors").contains("I64"));
    assert!(problem("README.md").contains("not a whole .npy file"));
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["stored.npz", "deflated.npz", "f32.safetensors"] {
        let path = folder.path().join(name);
        let whole = std::fs::read(fixture(name)).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(Matrix::open(&path).is_err(), "{name}: {length} bytes");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), at in 0usize..2000) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["stored.npz", "deflated.npz", "f32.safetensors"] {
            let path = folder.path().join(name);
            std::fs::write(&path, &bytes).unwrap();
            proptest::prop_assert!(Matrix::open(&path).is_err());
            let mut whole = std::fs::read(fixture(name)).unwrap();
            let at = at % whole.len();
            whole[at] ^= bytes.first().copied().unwrap_or(1);
            std::fs::write(&path, &whole).unwrap();
            if let Ok(matrix) = Matrix::open(&path) {
                let mut values = vec![0.0; matrix.dim() * matrix.rows().min(4) as usize];
                let _ = matrix.read(0, &mut values);
            }
        }
    }
}

#[test]
fn a_changed_byte_of_the_numbers_is_found_by_the_checksum() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["stored.npz", "deflated.npz"] {
        let path = folder.path().join(name);
        let mut bytes = std::fs::read(fixture(name)).unwrap();
        // The numbers end before the directory of the archive.
        let end = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        bytes[end - 3] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let problem = Matrix::open(&path).unwrap_err().to_string();
        assert!(problem.contains(name), "{problem}");
    }
}

#[test]
fn a_header_of_brackets_alone_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for bracket in [b'{', b'[', b'('] {
        for version in [1, 2] {
            let path = folder.path().join("a.npy");
            let mut bytes = b"\x93NUMPY".to_vec();
            bytes.extend([version, 0, 60, 0]);
            bytes.extend([0, 0].iter().filter(|_| version > 1));
            bytes.resize(bytes.len() + 60, bracket);
            std::fs::write(&path, bytes).unwrap();
            let problem = Matrix::open(&path).unwrap_err().to_string();
            assert!(problem.contains("too deep"), "{problem}");
        }
    }
}
