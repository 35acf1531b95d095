//! Recognises images by their names, and names the column that holds them.

use crate::error::Error;
use crate::formats::file::InputFile;

/// The column of the only image of a sample, and of a file that is an image.
pub(crate) const ANY_IMAGE: &str = "image";

/// The usual extensions of images. What a file is, its content says when it is decoded.
const USUAL: [&str; 8] = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"];

/// The extensions of images that do not count beside an image with a usual extension: they are more
/// often depth maps, masks or second pictures of it than images of their own.
const RARE: [&str; 13] =
    ["jpe", "jif", "jfif", "pjpeg", "pjp", "mpo", "dib", "apng", "ppm", "pgm", "pbm", "pnm", "pam"];

/// The rare extensions that masks have.
const MASKS: [&str; 5] = ["ppm", "pgm", "pbm", "pnm", "pam"];

/// Whether files with this extension are images that are read. The extension is in lower case; of
/// `left.jpg` the last part counts.
pub(crate) fn is_image(extension: &str) -> bool {
    is_usual_image(extension) || RARE.contains(&last_part(extension))
}

/// Whether files with this extension are images before which others in the same sample do not count.
pub(crate) fn is_usual_image(extension: &str) -> bool {
    USUAL.contains(&last_part(extension))
}

/// Whether files with this extension may be masks or depth maps of an image, because programs write
/// such as Netpbm files.
pub(crate) fn is_mask(extension: &str) -> bool {
    MASKS.contains(&last_part(extension))
}

/// Lists the extensions of images.
pub(crate) fn image_extensions() -> impl Iterator<Item = &'static str> {
    USUAL.into_iter().chain(RARE)
}

fn last_part(extension: &str) -> &str {
    extension.rsplit('.').next().unwrap_or_default()
}

/// The error for a file whose format has no images.
pub(crate) fn no_images(file: &InputFile) -> Error {
    Error::input(&file.path, "this format has no images")
        .hint("images come in folders, in WebDataset shards (.tar) and in columns of Parquet and Arrow; --image-column NAME takes a column of strings that name images by their paths or hold them in base64")
}
