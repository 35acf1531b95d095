//! The image model: images are prepared, cut into patches and computed in batches.

use image::RgbImage;
use rayon::prelude::*;

use super::batch::{rows_per_save, tokens_per_batch};
use super::failure::failed;
use super::pixels::Pixels;
use super::vision::ImageEncoder;
use crate::error::ModelError;
use crate::model::{ImageModel, check_pixels};

/// A pretrained image model.
pub(crate) struct ImageTransformer {
    pub(crate) name: String,
    pub(crate) fingerprint: String,
    pub(crate) pixels: Pixels,
    pub(crate) encoder: ImageEncoder,
    /// The number of values that are left of an embedding, if it is truncated.
    pub(crate) truncate: Option<usize>,
}

impl ImageModel for ImageTransformer {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        let whole = self.encoder.dim();
        self.truncate.map_or(whole, |most| whole.min(most))
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn rows_per_save(&self) -> Option<usize> {
        Some(rows_per_save(&self.encoder.blocks, self.encoder.tokens()))
    }

    fn embed(&self, images: &[RgbImage], out: &mut [f32]) -> Result<(), ModelError> {
        let dim = self.dim();
        assert_eq!(out.len(), images.len() * dim, "`out` needs {dim} values per image");
        check_pixels(images)?;
        let count = (tokens_per_batch(&self.encoder.device) / self.encoder.tokens()).max(1);
        if self.encoder.device.is_cpu() {
            images
                .par_chunks(count)
                .zip(out.par_chunks_mut(count * dim))
                .try_for_each(|(images, out)| self.compute(images, out))
        } else {
            let mut batches = images.chunks(count).zip(out.chunks_mut(count * dim));
            batches.try_for_each(|(images, out)| self.compute(images, out))
        }
    }
}

impl ImageTransformer {
    /// Computes the embeddings of a batch.
    fn compute(&self, images: &[RgbImage], out: &mut [f32]) -> Result<(), ModelError> {
        let patch = self.encoder.patch;
        let mut values = Vec::new();
        for image in images {
            self.pixels.patches(image, patch, &mut values)?;
        }
        let rows = values.len() / (3 * patch * patch);
        let compute = || {
            let patches =
                candle_core::Tensor::from_vec(values, (rows, 3 * patch * patch), &self.encoder.device)?;
            let images = self.encoder.forward(&patches, images.len())?.narrow(1, 0, self.dim())?;
            images.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1::<f32>()
        };
        out.copy_from_slice(&compute().map_err(failed)?);
        Ok(())
    }
}
