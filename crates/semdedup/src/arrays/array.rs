//! An array of numbers in a file, and the types of its numbers.

use crate::storage::Blob;

/// An array of numbers in a file.
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) file: Blob,
    pub(crate) number: Number,
    pub(crate) shape: Vec<u64>,
    /// The offset of the first number in the file, in bytes.
    pub(crate) offset: u64,
}

/// The number types of an array that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    F16,
    Bf16,
    F32,
    F64,
    I32,
    U32,
    I64,
    U64,
}

impl Number {
    /// The size of a number in bytes.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        Self::FLOATS.contains(&self)
    }

    /// Returns the type that a header names without the order of its bytes.
    pub(super) fn of_descr(descr: &str) -> Option<Self> {
        Some(match descr {
            "f2" => Self::F16,
            "f4" => Self::F32,
            "f8" => Self::F64,
            "i4" => Self::I32,
            "u4" => Self::U32,
            "i8" => Self::I64,
            "u8" => Self::U64,
            _ => return None,
        })
    }

    /// The types of floats, of which bare numbers are.
    const FLOATS: [Self; 4] = [Self::F16, Self::Bf16, Self::F32, Self::F64];

    /// Returns the type of floats of this name.
    pub(crate) fn of_bare(name: &str) -> Option<Self> {
        Self::FLOATS.into_iter().find(|number| number.name() == name)
    }

    /// Returns the name in numpy.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::I64 => "int64",
            Self::U64 => "uint64",
        }
    }
}
