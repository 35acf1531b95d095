//! The SemDeDup algorithm (arXiv 2303.09540) as pure functions on slices.
