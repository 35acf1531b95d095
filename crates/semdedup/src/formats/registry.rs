//! The registry of the formats that are read, made from their list.

use std::collections::HashSet;

use crate::formats::compression::Compression;
use crate::formats::file::Format;
use crate::formats::ids::IdSource;
use crate::formats::image_columns::image_extensions;
use crate::formats::list::for_each_format;
use crate::formats::row_format::RowFormat;

macro_rules! registry {
    ($($(#[$doc:meta])* $variant:ident $(($data:ty))? => $($implementation:ident)::+;)*) => {
        /// The implementation of each format.
        static IMPLEMENTATIONS: &[&dyn RowFormat] = &[$(&crate::formats::$($implementation)::+),*];

        impl Format {
            /// Returns the implementation of the format.
            pub(crate) fn rows(self) -> &'static dyn RowFormat {
                match self {
                    $(Self::$variant { .. } => &crate::formats::$($implementation)::+,)*
                }
            }
        }
    };
}

for_each_format!(registry);

impl Format {
    /// Returns how [`crate::formats::ids::unify_ids`] has to take the ids of this format.
    pub fn id_source(self) -> IdSource {
        self.rows().id_source()
    }
}

/// Returns the format of files with this extension (in lower case) and this compression.
pub(crate) fn by_extension(extension: &str, compression: Compression) -> Option<Format> {
    let is_fit = |format: &&&dyn RowFormat| compression == Compression::None || format.is_compressible();
    let mut extensions = IMPLEMENTATIONS.iter().filter(is_fit).flat_map(|format| format.extensions());
    extensions.find(|(known, _)| *known == extension).map(|(_, format)| *format)
}

/// Lists the extensions of the files that are read, as messages and help texts name them.
pub fn known_extensions() -> String {
    let of = |is_compressible: bool| {
        let formats =
            IMPLEMENTATIONS.iter().filter(move |format| format.is_compressible() == is_compressible);
        listed(formats.flat_map(|format| format.extensions()).map(|(name, _)| *name))
    };
    let images = listed(image_extensions());
    let packed = Compression::PACKED.map(Compression::extension).join(", ");
    format!("{} (each also {packed}), {}, .md, and images: {images}", of(true), of(false))
}

/// Joins extensions, each once: two formats may have the same.
fn listed<'a>(extensions: impl Iterator<Item = &'a str>) -> String {
    let mut seen = HashSet::new();
    let names = extensions.filter(|name| seen.insert(*name)).map(|name| format!(".{name}"));
    names.collect::<Vec<_>>().join(", ")
}

/// Returns the format of a file that begins with these decompressed bytes, if they can belong to
/// one format only.
pub(crate) fn by_content(beginning: &[u8]) -> Option<Format> {
    IMPLEMENTATIONS.iter().find_map(|format| format.by_content(beginning))
}
