//! The error of decoding an image: one line with the value and the limit.

/// Why an image could not be decoded. Its `Display` is one line without a closing full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// There are no bytes.
    #[error("the image is empty (0 bytes)")]
    Empty,
    /// The first bytes are not those of a known format.
    #[error(
        "not an image that can be read: it starts with {start}; JPEG, PNG, WebP, GIF, BMP and TIFF can be read"
    )]
    Unknown {
        /// The first bytes, at most eight, in hexadecimal.
        start: String,
    },
    /// The bytes are those of another kind of file, or of an image of a format that is not decoded.
    #[error("not an image that can be read: it is {what}; {remedy}")]
    OtherKind {
        /// What the file is, with its article.
        what: &'static str,
        /// What to do with it. `FILE` stands for its path.
        remedy: &'static str,
    },
    /// The header announces more pixels than the limit. Nothing was decoded.
    #[error("the {format} has {width}x{height} = {} pixels, the limit is {limit}", u64::from(*width) * u64::from(*height))]
    TooLarge {
        /// The name of the format.
        format: &'static str,
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
        /// [`ImageLimits::max_pixels`](crate::ImageLimits::max_pixels).
        limit: u64,
    },
    /// Every pixel is transparent, or nearly so, so there is nothing to compare.
    #[error(
        "the {format} is transparent everywhere: its largest alpha is {alpha} of 255, from {limit} on something can be seen"
    )]
    Invisible {
        /// The name of the format.
        format: &'static str,
        /// The largest alpha of all pixels.
        alpha: u8,
        /// The smallest alpha that shows something.
        limit: u8,
    },
    /// The file breaks the rules of its format, or it ends too early.
    #[error("broken {format}: {reason}")]
    Broken {
        /// The name of the format.
        format: &'static str,
        /// The decoder's message, in one line.
        reason: String,
    },
    /// The file is of a variant of its format that is not supported.
    #[error("unsupported kind of {format}: {reason}")]
    Unsupported {
        /// The name of the format.
        format: &'static str,
        /// The decoder's message, in one line.
        reason: String,
    },
}

/// The largest number of characters of a decoder's message, which may quote the file.
#[cfg(feature = "images")]
const LONGEST_REASON: usize = 160;

#[cfg(feature = "images")]
impl ImageError {
    /// Makes the error of a broken file.
    pub(super) fn broken(format: &'static str, reason: impl ToString) -> Self {
        Self::Broken { format, reason: one_line(&reason.to_string()) }
    }

    /// Makes the error of an unsupported variant.
    pub(super) fn unsupported(format: &'static str, reason: impl ToString) -> Self {
        Self::Unsupported { format, reason: one_line(&reason.to_string()) }
    }

    /// Converts an error of the `image` crate.
    pub(super) fn from_image(format: &'static str, error: &image::ImageError) -> Self {
        match error {
            image::ImageError::Unsupported(_) => Self::unsupported(format, error),
            _ => Self::broken(format, error),
        }
    }
}

/// Returns a message in one line of limited length.
#[cfg(feature = "images")]
fn one_line(text: &str) -> String {
    let clean = text.trim().trim_end_matches('.').chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(LONGEST_REASON).collect()
}
