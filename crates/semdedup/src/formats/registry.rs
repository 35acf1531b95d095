//! The registry of the formats that are read. A new format is a folder with a [`RowFormat`], a
//! variant of [`Format`], and its names here: in [`FILES`] and in [`Format::rows`].

use crate::formats::arrow::format::Arrow;
use crate::formats::avro::format::Avro;
use crate::formats::compression::Compression;
use crate::formats::file::Format;
use crate::formats::folder::format::{ImageFolder, TextFolder};
use crate::formats::ids::IdSource;
use crate::formats::image_columns::image_extensions;
use crate::formats::matrix::format::MatrixFile;
use crate::formats::parquet::format::Parquet;
use crate::formats::row_format::RowFormat;
use crate::formats::tar::format::Shard;
use crate::formats::text::format::Text;

/// The formats that a file can be recognised as. Folders are found file by file, and the user names
/// matrices.
static FILES: [&dyn RowFormat; 7] = [&Text::Json, &Text::Csv, &Text::Lines, &Shard, &Parquet, &Arrow, &Avro];

impl Format {
    /// Returns the implementation of the format.
    pub(crate) fn rows(self) -> &'static dyn RowFormat {
        match self {
            Self::Jsonl | Self::JsonArray => &Text::Json,
            Self::Csv { .. } => &Text::Csv,
            Self::Text => &Text::Lines,
            Self::Parquet => &Parquet,
            Self::Arrow => &Arrow,
            Self::Avro => &Avro,
            Self::Matrix => &MatrixFile,
            Self::Tar => &Shard,
            Self::Tree => &ImageFolder,
            Self::TextTree => &TextFolder,
        }
    }

    /// Returns how [`crate::formats::ids::unify_ids`] has to take the ids of this format.
    pub fn id_source(self) -> IdSource {
        self.rows().id_source()
    }
}

/// Returns the format of files with this extension (in lower case) and this compression.
pub(crate) fn by_extension(extension: &str, compression: Compression) -> Option<Format> {
    let is_fit = |format: &&&dyn RowFormat| compression == Compression::None || format.is_compressible();
    let mut extensions = FILES.iter().filter(is_fit).flat_map(|format| format.extensions());
    extensions.find(|(known, _)| *known == extension).map(|(_, format)| *format)
}

/// Lists the extensions that are read, as messages name them.
pub(crate) fn known_extensions() -> String {
    let of = |is_compressible: bool| {
        let formats = FILES.iter().filter(move |format| format.is_compressible() == is_compressible);
        listed(formats.flat_map(|format| format.extensions()).map(|(name, _)| *name))
    };
    let images = listed(image_extensions());
    let packed = Compression::PACKED.map(Compression::extension).join(", ");
    format!("{} (each also {packed}), {}, .md, and images: {images}", of(true), of(false))
}

fn listed<'a>(extensions: impl Iterator<Item = &'a str>) -> String {
    extensions.map(|name| format!(".{name}")).collect::<Vec<_>>().join(", ")
}

/// Returns the format of a file that begins with these decompressed bytes, if they can belong to
/// one format only.
pub(crate) fn by_content(beginning: &[u8]) -> Option<Format> {
    FILES.iter().find_map(|format| format.by_content(beginning))
}
