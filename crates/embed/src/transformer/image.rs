//! Images to embeddings: prepared, cut into patches, computed in batches.

use image::RgbImage;
use rayon::prelude::*;

use super::pixels::Pixels;
use super::text::{TOKENS_TOGETHER, TOKENS_TOGETHER_THERE};
use super::vision::ImageEncoder;
use super::{failed, rows_per_save};
use crate::{ImageModel, ModelError};

/// A pretrained image model.
pub(crate) struct ImageTransformer {
    pub(crate) name: String,
    pub(crate) fingerprint: String,
    pub(crate) pixels: Pixels,
    pub(crate) encoder: ImageEncoder,
}

impl ImageModel for ImageTransformer {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        self.encoder.dim()
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
        let on_cpu = self.encoder.device.is_cpu();
        let together = if on_cpu { TOKENS_TOGETHER } else { TOKENS_TOGETHER_THERE };
        let count = (together / self.encoder.tokens()).max(1);
        let batches = (images.chunks(count), out.chunks_mut(count * dim));
        if on_cpu {
            images
                .par_chunks(count)
                .zip(out.par_chunks_mut(count * dim))
                .try_for_each(|(images, out)| self.compute(images, out))
        } else {
            batches.0.zip(batches.1).try_for_each(|(images, out)| self.compute(images, out))
        }
    }
}

impl ImageTransformer {
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
            let images = self.encoder.forward(&patches, images.len())?;
            images.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1::<f32>()
        };
        out.copy_from_slice(&compute().map_err(failed)?);
        Ok(())
    }
}
