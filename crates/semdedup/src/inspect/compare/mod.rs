//! Compares results: what each of them keeps, and what only one of them removes.

pub(crate) mod listed;
pub(crate) mod matching;
pub(crate) mod report;
pub(crate) mod result;
pub(crate) mod results;
