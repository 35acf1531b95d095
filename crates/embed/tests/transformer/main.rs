//! Pretrained transformers: the embeddings of the reference implementation, and the same bits in
//! every batch and on every thread.
#![allow(clippy::unwrap_used)]

mod folders;
mod images;
mod sentence;
mod settings;
mod support;
mod tables;
mod text;
