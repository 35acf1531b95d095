//! What differs between two texts: nothing but formatting, a number, a negation, or more.
//!
//! `tokens` cuts a text into lines, brings them into normal form, and reads them by `line`: words
//! by Unicode's categories (`characters`), `numbers`, negations (`negations`, `contractions`), and
//! marks that are words (`signs`) or those of Markdown and HTML (`markup`). An `outline` is what is
//! known of a text when all its tokens went by, in a few hundred bytes. `compare` decides which
//! kind a difference is.

mod characters;
pub(crate) mod compare;
mod contractions;
pub(crate) mod kind;
mod line;
mod markup;
mod negations;
mod numbers;
pub(crate) mod outline;
mod signs;
mod token;
mod tokens;
