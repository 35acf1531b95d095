//! Names the files that are not read as rows, images or embeddings: what they are, and what to do.
//!
//! `known` looks a file up, by its content first and by its name second, in the tables of `data`,
//! `arrays` and `pictures`, and in `answers` if all of it is there. Each file that cannot be read as its name says is named from here.
mod answers;
mod arrays;
mod data;
mod kind;
mod known;
mod marks;
mod pictures;

pub use kind::{FileKind, Group};
pub use known::{kind_of, kind_of_content, kind_of_name, kind_of_whole};
