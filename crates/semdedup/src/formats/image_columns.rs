//! Recognises images by their names, and names the column that holds them.

use crate::error::Error;
use crate::formats::file::InputFile;

/// The column of the only image of a sample, and of a file that is an image.
pub(crate) const ANY_IMAGE: &str = "image";

/// The extensions of images. The content of a file tells its format when it is decoded.
const IMAGES: [&str; 15] = [
    "jpg", "jpeg", "jpe", "jfif", "mpo", "png", "webp", "gif", "bmp", "dib", "tif", "tiff", "ppm", "pgm",
    "pbm",
];

/// Whether files with this extension are images that are read. The extension is in lower case; of
/// `left.jpg` the last part counts.
pub(crate) fn is_image(extension: &str) -> bool {
    let last = extension.rsplit('.').next().unwrap_or_default();
    IMAGES.contains(&last)
}

/// The error for a file whose format has no images.
pub(crate) fn no_images(file: &InputFile) -> Error {
    Error::input(&file.path, "this format has no images")
        .hint("images come in folders, in WebDataset shards (.tar) and in columns of Parquet and Arrow")
}
