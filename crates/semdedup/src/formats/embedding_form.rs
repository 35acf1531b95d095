//! The forms in which columns hold embeddings.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::arrays::array::Number;

/// A type of floats, by its name in numpy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FloatType {
    /// IEEE 754 half precision, 2 bytes.
    Float16,
    /// The upper half of a float32, 2 bytes.
    Bfloat16,
    /// Single precision, 4 bytes.
    Float32,
    /// Double precision, 8 bytes.
    Float64,
}

impl FloatType {
    /// All types, the usual ones first.
    pub(crate) const ALL: [Self; 4] = [Self::Float32, Self::Float16, Self::Bfloat16, Self::Float64];

    /// Returns the name in numpy, `float32` for example.
    pub fn name(self) -> &'static str {
        self.number().name()
    }

    pub(crate) fn number(self) -> Number {
        match self {
            Self::Float16 => Number::F16,
            Self::Bfloat16 => Number::Bf16,
            Self::Float32 => Number::F32,
            Self::Float64 => Number::F64,
        }
    }
}

/// The form in which the values of a column hold embeddings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingForm {
    /// Lists of numbers.
    #[default]
    Lists,
    /// Strings that are lists of numbers in brackets.
    Strings,
    /// The bytes of the numbers, the least significant one first.
    Bytes(FloatType),
    /// `.npy` files, each with the numbers of one row.
    Npy,
}

impl EmbeddingForm {
    pub(crate) fn is_lists(&self) -> bool {
        *self == Self::Lists
    }
}

/// Displays a form as messages name it.
impl fmt::Display for EmbeddingForm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lists => out.write_str("lists"),
            Self::Strings => out.write_str("strings"),
            Self::Bytes(float) => write!(out, "bytes as {}", float.name()),
            Self::Npy => out.write_str(".npy files"),
        }
    }
}
