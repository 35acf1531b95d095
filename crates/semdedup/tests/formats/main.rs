//! Reading and writing formats, as a caller of the library sees them.
#![allow(clippy::unwrap_used)]

mod annotate;
mod annotate_any;
mod arrow_damage;
mod arrow_files;
mod avro_files;
mod bad_rows;
mod beside;
mod beside_embeddings;
mod chats;
mod columns;
mod companions;
mod content;
mod damage;
mod dialects;
mod discover;
mod ids;
mod image_shards;
mod image_tables;
mod images;
mod int96;
mod joined_columns;
mod json_arrays;
mod late_texts;
mod left_out;
mod nested;
mod others;
mod parquet_files;
mod round_trip;
mod shards;
mod support;
mod text_choice;
mod text_trees;
mod types;
mod utf16;
