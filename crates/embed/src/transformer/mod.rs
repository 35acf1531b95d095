//! Pretrained transformers from a folder in the Hugging Face layout, computed with candle.
//!
//! `load` reads `config.json`, finds the architecture (`arch`), and builds a model from four parts:
//! the tokenizer and its limit (`tokens`), the blocks (`encoder`, `block`, `attention`, `linear`,
//! `ops`), pooling and the steps after it (`pooling`, as `modules` and `sentence` read them), and
//! the tensors (`weights`). A static model has a `table` instead of blocks. `docs/models.md` lists which file each setting comes from.
mod arch;
mod attention;
mod batch;
mod block;
mod config;
mod device;
mod encoder;
mod failure;
mod fingerprint;
mod hub;
mod image;
mod kernels;
mod limit;
mod linear;
mod load;
mod modules;
mod ops;
mod pixels;
mod pooling;
mod product;
mod sentence;
mod table;
mod text;
mod tokens;
mod vision;
mod weights;

pub use load::{load, word_pieces};
