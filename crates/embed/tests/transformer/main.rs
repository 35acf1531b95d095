//! Pretrained transformers: the embeddings of the reference implementation, and the same bits however they are asked for.
#![allow(clippy::unwrap_used)]

mod folders;
mod images;
mod settings;
mod support;
mod text;
