//! Ranks rows by what the input says of them: by columns, or by the length of their texts.

pub(crate) mod column_reader;
pub(crate) mod numbers;
pub(crate) mod preference;
pub(crate) mod rank_columns;
pub(crate) mod ranks;
pub(crate) mod ranks_file;
pub(crate) mod values;
