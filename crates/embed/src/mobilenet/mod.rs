//! The image model inside this crate: MobileNetV1 1.0 224, quantised, without its classifier.

mod flat;
mod lanes;
mod network;
mod resize;
#[cfg(test)]
mod tests;
mod weights;

use image::RgbImage;
use xxhash_rust::xxh3::xxh3_64;

use self::lanes::Isa;
use self::network::{DIM, Network};
use crate::{ImageModel, ModelError, decode};

const MODEL: &[u8] = include_bytes!("../../models/mobilenet-v1-1.0-224-quant/model.tflite");
/// Changes when decoded images are prepared differently or the network's values are turned into embeddings in another way.
const VERSION: u32 = 1;
const NAME: &str = "mobilenet-v1-1.0-224-quant";

/// MobileNetV1 1.0 224: 1,024 values of an image that is squeezed into a square of 224 pixels, so that all of it counts.
///
/// The values are the square roots of the network's own. Of what was tried on labelled images (`docs/images.md`), that told
/// duplicates from others best without a stored mean of other people's images.
pub struct MobileNet {
    network: Network,
}

/// Two minutes or so on two cores.
const ROWS_PER_SAVE: usize = 1 << 14;

impl MobileNet {
    /// The largest distance (1 - cosine) at which images of the same thing were still told from others on labelled data.
    pub const DEFAULT_EPSILON: f64 = 0.05;

    /// The model that lies inside this crate.
    ///
    /// # Errors
    /// If the file inside the program is not the network that is expected.
    pub fn load() -> Result<Self, ModelError> {
        Self::load_for(Isa::best())
    }

    /// The network's own integers for an image, from 0 to 255: what LiteRT computes, bit by bit.
    pub fn raw(&self, image: &RgbImage) -> [u8; DIM] {
        let mut values = [0; DIM];
        self.network.run(&resize::to_square(image), &mut values);
        values
    }

    fn load_for(isa: Isa) -> Result<Self, ModelError> {
        let broken =
            || ModelError::new("the image model inside the program is damaged", "install semdedup again");
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
        format!("{NAME} {:016x} {VERSION} pixels {}", xxh3_64(MODEL), decode::REVISION)
    }

    fn rows_per_save(&self) -> Option<usize> {
        Some(ROWS_PER_SAVE)
    }

    fn embed(&self, images: &[RgbImage], out: &mut [f32]) -> Result<(), ModelError> {
        assert_eq!(out.len(), images.len() * DIM, "one row of {DIM} values for each image");
        for (image, row) in images.iter().zip(out.chunks_exact_mut(DIM)) {
            for (to, value) in row.iter_mut().zip(self.raw(image)) {
                *to = f32::from(value).sqrt();
            }
        }
        Ok(())
    }
}
