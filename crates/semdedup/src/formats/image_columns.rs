//! Which files are images by their names, and the name of the column that holds them.

use crate::error::Error;
use crate::formats::file::InputFile;

/// The column of a sample's only image, or of a file that is one.
pub(crate) const ANY_IMAGE: &str = "image";

/// The extensions of images. What a file is, its content says when it is decoded.
const IMAGES: [&str; 15] = [
    "jpg", "jpeg", "jpe", "jfif", "mpo", "png", "webp", "gif", "bmp", "dib", "tif", "tiff", "ppm", "pgm",
    "pbm",
];

/// Whether files with this extension (lower case; of `left.jpg` the last part counts) are images that can be read.
pub(crate) fn is_image(extension: &str) -> bool {
    let last = extension.rsplit('.').next().unwrap_or_default();
    IMAGES.contains(&last)
}

pub(crate) fn no_images(file: &InputFile) -> Error {
    Error::input(&file.path, "this format has no images")
        .hint("images come in folders, in WebDataset shards (.tar) and in columns of Parquet and Arrow")
}
