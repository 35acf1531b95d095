//! Makes a table of word vectors from a teacher: the vectors are trained until the sums of a text's
//! vectors lie to each other as the teacher's embeddings of the texts do.
//!
//! `start` sets the first vectors, `batches` orders the texts, `loss` computes the loss and its
//! gradients, `adam` takes a step, and `train` is the loop. `negations` makes pairs of
//! texts that differ in a negation alone.
mod adam;
mod batches;
mod loss;
mod negations;
mod random;
mod reader;
mod start;
mod train;
mod vocabulary;

pub use reader::WordReader;
pub use train::{Corpus, Read, Settings, Step, train};

pub use vocabulary::vocabulary;
