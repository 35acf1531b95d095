//! The image model.

use image::RgbImage;
use xxhash_rust::xxh3::xxh3_64;

use super::isa::Isa;
use super::network::{DIM, Network, Space};
use super::resize::Resizer;
use crate::decode::formats;
use crate::error::ModelError;
use crate::model::{ImageModel, MOBILENET_EPSILON, check_pixels};

/// The network's file.
pub(super) const MODEL: &[u8] = include_bytes!("../../models/mobilenet-v1-1.0-224-quant/model.tflite");
/// The version of the model. Raise it when images are prepared differently or the embeddings are
/// computed differently.
const VERSION: u32 = 1;
const NAME: &str = "mobilenet-v1-1.0-224-quant";

/// MobileNetV1 1.0 224: an embedding of 1,024 values for an image that is squeezed into a square of
/// 224 pixels, so that all of it counts.
///
/// The values are the square roots of the network's outputs. Of the variants tried on labeled
/// images (`docs/images.md`), this one separated duplicates from other images best without a stored
/// mean of other images.
pub struct MobileNet {
    network: Network,
}

/// The memory that embedding an image needs. It is reused from image to image.
#[derive(Default)]
struct Workspace {
    resizer: Resizer,
    network: Space,
}

/// The number of rows between saves: 17 to 40 seconds on two cores.
const ROWS_PER_SAVE: usize = 1 << 14;

impl MobileNet {
    /// The largest distance (1 - cosine) up to which labeled images of the same object were
    /// separated from other images.
    pub const DEFAULT_EPSILON: f64 = MOBILENET_EPSILON;

    /// Loads the model, which is part of this crate.
    ///
    /// # Errors
    /// If the file inside the program is damaged.
    pub fn load() -> Result<Self, ModelError> {
        Self::load_for(Isa::best())
    }

    /// Returns the network's outputs for an image, integers from 0 to 255. They equal those of
    /// LiteRT.
    ///
    /// # Panics
    /// If the image has no pixels.
    pub fn raw(&self, image: &RgbImage) -> [u8; DIM] {
        self.raw_in(&mut Workspace::default(), image)
    }

    fn raw_in(&self, space: &mut Workspace, image: &RgbImage) -> [u8; DIM] {
        let mut values = [0; DIM];
        let square = space.resizer.squeeze(image, self.network.isa);
        self.network.run(square, &mut space.network, &mut values);
        values
    }

    fn load_for(isa: Isa) -> Result<Self, ModelError> {
        let broken = || {
            ModelError::with_hint("the image model inside the program is damaged", "install semdedup again")
        };
        Ok(Self { network: Network::read(MODEL, isa).ok_or_else(broken)? })
    }
}

impl ImageModel for MobileNet {
    fn name(&self) -> &str {
        NAME
    }

    fn dim(&self) -> usize {
        DIM
    }

    fn fingerprint(&self) -> String {
        format!("{NAME} {:016x} {VERSION} pixels {}", xxh3_64(MODEL), formats::REVISION)
    }

    fn rows_per_save(&self) -> Option<usize> {
        Some(ROWS_PER_SAVE)
    }

    fn embed(&self, images: &[RgbImage], out: &mut [f32]) -> Result<(), ModelError> {
        assert_eq!(out.len(), images.len() * DIM, "one row of {DIM} values for each image");
        check_pixels(images)?;
        let mut space = Workspace::default();
        for (image, row) in images.iter().zip(out.chunks_exact_mut(DIM)) {
            for (to, value) in row.iter_mut().zip(self.raw_in(&mut space, image)) {
                *to = f32::from(value).sqrt();
            }
        }
        Ok(())
    }
}
