//! Tests that files by numpy are read correctly, that damaged ones are refused, and that written
//! files have numpy's layout.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use super::*;
use crate::arrays::integers::IntegerVector;
use crate::arrays::matrix::Matrix;
use crate::arrays::npy_writer::NpyWriter;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npy").join(name)
}

fn values() -> Vec<f32> {
    (-6i8..6).map(|i| f32::from(i) / 4.0).collect()
}

/// Reads all numbers of a vector.
fn read_integers(path: &Path) -> Result<Vec<Option<u64>>> {
    let numbers = IntegerVector::open(path)?;
    numbers.read(0..numbers.len())
}

#[test]
fn whole_numbers_of_every_width_are_read_and_negative_ones_are_none() {
    for name in ["int32.npy", "uint32.npy", "int64.npy", "uint64.npy"] {
        assert_eq!(read_integers(&fixture(name)).unwrap(), [Some(0), Some(7), Some(2)], "{name}");
    }
    assert_eq!(read_integers(&fixture("negative.npy")).unwrap(), [Some(0), None, Some(2)]);
}

#[test]
fn a_file_that_is_cut_short_or_has_more_bytes_at_its_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let mut whole = std::fs::read(fixture("f32.npy")).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(Matrix::open(&path).is_err(), "{length} bytes");
    }
    whole.push(0);
    std::fs::write(&path, &whole).unwrap();
    assert!(Matrix::open(&path).is_err());
}

#[test]
fn bytes_are_refused_with_what_they_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let whole = String::from_utf8_lossy(&std::fs::read(fixture("f32.npy")).unwrap()[..128]).into_owned();
    for kind in ["|u1", "|i1"] {
        // The first byte of the mark is no UTF-8.
        let header = whole.replace("<f4", kind).replace('\u{fffd}', "");
        std::fs::write(&path, [b"\x93", header.as_bytes(), &[1; 12]].concat()).unwrap();
        let error = Matrix::open(&path).unwrap_err();
        assert!(error.to_string().contains(kind), "{error}");
        assert!(error.hint_text().unwrap().contains("numpy.unpackbits"), "{error:?}");
    }
}

#[test]
fn a_header_that_claims_more_than_the_file_has_is_refused_before_memory_is_allocated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    std::fs::write(&path, b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'").unwrap();
    assert!(Matrix::open(&path).unwrap_err().to_string().contains("4294967295"));
    let whole = std::fs::read(fixture("f32.npy")).unwrap();
    let huge =
        String::from_utf8_lossy(&whole[10..128]).replace("(4, 3), }   ", "(4611686018427387904, 3), }");
    for shape in ["(4611686018427387904, 3), }", "(4611686018427387905, 8), }"] {
        let header = huge.replace("(4611686018427387904, 3), }", shape);
        let mut bytes = whole[..10].to_vec();
        bytes.extend(header.as_bytes());
        bytes[8] = header.len() as u8;
        std::fs::write(&path, bytes).unwrap();
        assert!(Matrix::open(&path).is_err());
    }
}

#[test]
fn a_written_file_has_the_bytes_that_numpy_would_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let mut file = NpyWriter::matrix(&path, 3).unwrap();
    file.write(&values()[..6]).unwrap();
    file.write(&values()[6..]).unwrap();
    assert!(!path.exists(), "it must not exist before it is complete");
    file.finish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(fixture("f32.npy")).unwrap());
    let mut file = NpyWriter::integers(&path).unwrap();
    file.write(&[0i32, 7, 2]).unwrap();
    file.finish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(fixture("int32.npy")).unwrap());
}

proptest::proptest! {
    #[test]
    fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), header: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let start: &[u8] = if header { b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', " } else { b"" };
        std::fs::write(&path, [start, &bytes].concat()).unwrap();
        let _ = Matrix::open(&path);
        let _ = read_integers(&path);
    }
}
