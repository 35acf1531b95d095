//! Self-attention: every token attends to tokens of its own text.
//!
//! `shape` describes a model's attention, `span` the tokens that a token attends to. `rotation`,
//! `distances` and `head_norms` are what some models add. `cpu` computes attention on a CPU,
//! `device` on another device; `attend` chooses between them. The tests compare the two.
pub(crate) mod attend;
mod cpu;
mod device;
pub(crate) mod distances;
pub(crate) mod head_norms;
pub(crate) mod rotation;
pub(crate) mod shape;
pub(crate) mod span;
#[cfg(test)]
mod tests;
