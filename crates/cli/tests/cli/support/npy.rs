//! Arrays in `.npy` files.

/// Returns a `.npy` file of f32 with `columns` values per row.
pub fn npy_f32(values: &[f32], columns: usize) -> Vec<u8> {
    let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy("<f4", &format!("({}, {columns})", values.len() / columns), bytes)
}

/// Returns a `.npy` file of i32.
pub fn npy_i32(values: &[i32], shape: &str) -> Vec<u8> {
    npy("<i4", shape, values.iter().flat_map(|x| x.to_le_bytes()).collect())
}

/// Returns a `.npy` file with numbers of any type.
pub fn npy(descr: &str, shape: &str, mut values: Vec<u8>) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let header = format!("{header:117}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.into_bytes());
    file.append(&mut values);
    file
}

/// Returns the header and the values of a `.npy` file of i32.
pub fn read_npy_i32(file: &[u8]) -> (String, Vec<i32>) {
    let start = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    let values = file[start..].chunks_exact(4).map(|x| i32::from_le_bytes([x[0], x[1], x[2], x[3]]));
    (String::from_utf8(file[10..start].to_vec()).unwrap(), values.collect())
}
