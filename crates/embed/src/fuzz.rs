//! Access for the fuzz targets in `fuzz/`. It is no part of the public interface.

/// Parses a server's answer for a number of texts, with embeddings of `dim` numbers if that is
/// known.
pub fn answer(body: &[u8], texts: usize, dim: Option<usize>) {
    crate::remote::answer::read_any(body, texts, dim);
}
