//! The angles of rotary position embeddings, as `config.json` gives them.

use std::f64::consts::PI;
use std::sync::Arc;

use super::Result;
use crate::transformer::attention::Rotation;
use crate::transformer::config::Config;

/// What the rotation of a block depends on, besides `config.json`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotary<'a> {
    /// The width of a head.
    pub(super) width: usize,
    /// Tokens of the longest text that is read.
    pub(super) positions: usize,
    /// The kind of block, where kinds of blocks differ (`full_attention`, `sliding_attention`).
    pub(super) kind: Option<&'a str>,
    /// The field of the base in old files, and what holds where nothing is said.
    pub(super) base: (&'a str, f64),
    /// Whether blocks of this kind follow `rope_scaling`, which says nothing of kinds.
    pub(super) scaled: bool,
}

impl Rotary<'_> {
    /// The rotation, from `rope_parameters` or, in old files, `rope_theta` and `rope_scaling`.
    pub(super) fn read(self, config: &Config) -> Result<Arc<Rotation>> {
        let (field, default) = self.base;
        let new = config.section("rope_parameters");
        let new = new.map(|new| self.kind.and_then(|kind| new.section(kind)).unwrap_or(new));
        let old = if self.scaled { config.section("rope_scaling") } else { None };
        let base = match &new {
            Some(new) if new.has("rope_theta") => new.number_or("rope_theta", default)?,
            _ => config.number_or(field, default)?,
        };
        let scaling = new.or(old);
        let part = match &scaling {
            Some(scaling) if scaling.has("partial_rotary_factor") => {
                scaling.number_or("partial_rotary_factor", 1.0)?
            }
            _ => config.number_or("partial_rotary_factor", 1.0)?,
        };
        let turned = (self.width as f64 * part) as usize;
        if turned == 0 || turned > self.width || !turned.is_multiple_of(2) {
            return Err(config.wrong("partial_rotary_factor", "a share that turns whole pairs of values"));
        }
        let mut frequencies: Vec<f64> =
            (0..turned / 2).map(|pair| base.powf(-((2 * pair) as f64) / turned as f64)).collect();
        if let Some(scaling) = &scaling {
            scale(scaling, &mut frequencies)?;
        }
        Ok(Arc::new(Rotation::new(&frequencies, self.positions, 1.0)))
    }
}

fn scale(config: &Config, frequencies: &mut [f64]) -> Result<()> {
    let field = if config.has("rope_type") { "rope_type" } else { "type" };
    match config.text_or(field, "default")? {
        "default" => {}
        "linear" => {
            let factor = config.number_or("factor", 1.0)?;
            frequencies.iter_mut().for_each(|frequency| *frequency /= factor);
        }
        "llama3" => {
            let factor = config.number_or("factor", 8.0)?;
            let (low, high) =
                (config.number_or("low_freq_factor", 1.0)?, config.number_or("high_freq_factor", 4.0)?);
            let trained = config.number_or("original_max_position_embeddings", 8_192.0)?;
            for frequency in frequencies {
                // Long waves are stretched, short ones are not, those in between by a share.
                let waves = trained * *frequency / (2.0 * PI);
                let share = ((waves - low) / (high - low)).clamp(0.0, 1.0);
                *frequency = (1.0 - share) * *frequency / factor + share * *frequency;
            }
        }
        _ => return Err(config.wrong(field, "default, linear or llama3")),
    }
    Ok(())
}
