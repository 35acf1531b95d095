//! The list of the formats that are read. A new format is a folder with a
//! [`RowFormat`](crate::formats::row_format::RowFormat) and a line here.

/// Hands the list to a macro: the variant of [`Format`](crate::formats::file::Format) with its
/// documentation, and the implementation in a folder of `formats/`. Two variants may share one.
macro_rules! for_each_format {
    ($make:ident) => {
        $make! {
            /// One JSON object per line.
            Jsonl => text::format::Text::Json;
            /// One JSON list of objects.
            JsonArray => text::format::Text::Json;
            /// Separated values, with a header line or without.
            Csv(Dialect) => text::format::Text::Csv;
            /// One text per line.
            Text => text::format::Text::Lines;
            /// A WebDataset shard: a tar archive in which the files of one key are a sample, and a
            /// sample is a row.
            Tar => tar::format::Shard;
            /// Apache Parquet.
            Parquet => parquet::format::Parquet;
            /// Arrow IPC (Feather version 2), a file or a stream.
            Arrow => arrow::format::Arrow;
            /// Apache Avro, an object container file. It is only read.
            Avro => avro::format::Avro;
            /// A matrix of embeddings without other rows (`.npy`, `.npz`, `.safetensors`): a row of
            /// the matrix is a row.
            Matrix => matrix::format::MatrixFile;
            /// A folder of images: every file is a row.
            Tree => folder::format::ImageFolder;
            /// A folder of texts: every file is a row.
            TextTree => folder::format::TextFolder;
        }
    };
}

pub(crate) use for_each_format;
