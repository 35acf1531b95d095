//! The architectures: each file reads `config.json` and finds the tensors of one family. `known` is
//! the table of them, `parts` and `layers` are what they share.
mod bert;
mod clip;
mod decoder;
mod dino;
pub(crate) mod known;
mod layers;
mod modernbert;
mod opt;
pub(crate) mod parts;
mod positions;
mod rotary;
