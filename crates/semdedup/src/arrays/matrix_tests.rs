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
        "fortran.npy",
        "big_endian.npy",
        "stored.npz",
        "deflated.npz",
        "named.npz",
        "f16.safetensors",
        "bf16.safetensors",
        "f32.safetensors",
        "f64.safetensors",
        "several.npz#b",
        "several.safetensors#a",
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
    assert!(problem("vector.npy").contains("float32 of shape [3]"));
    assert!(problem("int64.npy").contains("int64 of shape [3]"));
    assert!(problem("several.npz").contains("which of a, b is meant"));
    assert!(problem("several.npz#c").contains("has no array `c`; its arrays are a, b"));
    assert!(problem("several.safetensors").contains("which of a, b is meant"));
    assert!(problem("whole_numbers.safetensors").contains("I64"));
    assert!(problem("README.md").contains("not a whole .npy file"));
}

#[test]
fn numbers_without_a_header_are_read_in_rows_of_the_dimension() {
    let folder = tempfile::tempdir().unwrap();
    for (dtype, bytes) in [
        ("float32", values().iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()),
        ("float64", values().iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect()),
        ("float16", values().iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect()),
        ("bfloat16", values().iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes()).collect()),
    ] {
        let file = folder.path().join("bare.bin");
        std::fs::write(&file, &bytes).unwrap();
        let place = |dim: u64| PathBuf::from(crate::bare_numbers(&file.display().to_string(), dtype, dim));
        for dim in [1, 2, 3, 4, 6, 12] {
            let matrix = Matrix::open(&place(dim)).unwrap();
            assert_eq!((matrix.rows(), matrix.dim()), (12 / dim, dim as usize), "{dtype}");
            let mut all = vec![0.0; 12];
            matrix.read(0, &mut all).unwrap();
            assert_eq!(all, values(), "{dtype}");
        }
        let error = Matrix::open(&place(5)).unwrap_err().to_string();
        assert!(error.contains("which are not rows of 5"), "{error}");
    }
    let with_header = crate::bare_numbers(&fixture("f32.npy").display().to_string(), "float32", 3);
    let error = Matrix::open(Path::new(&with_header)).unwrap_err();
    assert!(error.to_string().contains("has a header"), "{error}");
}

#[test]
fn a_text_is_never_read_as_bare_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bare.txt");
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let found = ["float16", "bfloat16", "float32", "float64"].map(|dtype| {
            let place = crate::bare_numbers(&file.display().to_string(), dtype, 2);
            let error = Matrix::open(Path::new(&place)).unwrap_err();
            (error.to_string(), error.hint_text().unwrap().to_owned())
        });
        assert!(found.iter().all(|(_, hint)| *hint == found[0].1), "{found:?}");
        found[0].clone()
    };
    // A file of 16 bytes is of whole rows in every type.
    let russian = "Снег тает, и река разливается. ".repeat(16);
    let legacy: Vec<u8> = b"\xd1\xed\xe5\xe3 \xf2\xe0\xe5\xf2, \xe8 \xf0\xe5\xea\xe0\n".repeat(48);
    for text in
        ["the river floods every spring\n".as_bytes(), russian.as_bytes(), &legacy, b"{\"text\": \"a b\"}\n"]
    {
        let (error, hint) = refused(text);
        assert!(error.contains("is a text, not bare numbers"), "{error}");
        assert!(hint.contains("without --dim and --dtype"), "{hint}");
    }
    for text in ["0.123 0.456 0.789\n", "1e-3,2,3,-0.5\r\n1,2,3,4\r\n"] {
        let (error, hint) = refused(text.as_bytes());
        assert!(error.contains("has its numbers as text, not as bare numbers"), "{error}");
        assert!(hint.contains("numpy.loadtxt('OLD')"), "{hint}");
    }
}

#[test]
fn a_large_matrix_by_column_is_the_same_by_row() {
    let folder = tempfile::tempdir().unwrap();
    // More than one block of rows.
    let (rows, dim) = (9000_usize, 2000_usize);
    let value = |row: usize, column: usize| (row * dim + column) as f32;
    let header = format!("{{'descr': '>f4', 'fortran_order': True, 'shape': ({rows}, {dim}), }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{header:117}\n").into_bytes());
    for column in 0..dim {
        file.extend((0..rows).flat_map(|row| value(row, column).to_be_bytes()));
    }
    let path = folder.path().join("columns.npy");
    std::fs::write(&path, file).unwrap();
    let matrix = Matrix::open(&path).unwrap();
    let mut row = vec![0.0; dim];
    for number in [0, 1, 4000, 8388, 8389, rows - 1] {
        matrix.read(number as u64, &mut row).unwrap();
        let expected: Vec<f32> = (0..dim).map(|column| value(number, column)).collect();
        assert_eq!(row, expected, "row {number}");
    }
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
