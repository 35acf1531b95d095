//! The angles of rotary position embeddings, as `config.json` gives them.

use std::f64::consts::PI;
use std::sync::Arc;

use serde_json::Value;

use crate::transformer::attention::rotation::Rotation;
use crate::transformer::config::Config;
use crate::transformer::failure::Result;

/// No head is wider.
const WIDEST: usize = 1 << 16;
/// The largest table, in pairs of values (two gigabytes). A larger one would only fill the memory.
const MOST_PAIRS: usize = 1 << 28;

/// The settings of a block's rotation besides `config.json`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotary<'a> {
    /// The width of a head.
    pub(super) width: usize,
    /// The number of tokens of the longest text.
    pub(super) positions: usize,
    /// The kind of block, for models with several kinds (`full_attention`, `sliding_attention`).
    pub(super) kind: Option<&'a str>,
    /// The field of the base in old files.
    pub(super) base_field: &'a str,
    /// The base if no field gives one.
    pub(super) base: f64,
    /// Whether `rope_scaling` applies to blocks of this kind. The field itself does not name kinds.
    pub(super) scaled: bool,
}

impl Rotary<'_> {
    /// Reads the rotation from `rope_parameters` or, in old files, from `rope_theta` and
    /// `rope_scaling`.
    pub(super) fn read(self, config: &Config) -> Result<Arc<Rotation>> {
        let (new, old) = (self.section(config)?, self.old_section(config));
        if let (Some(new), Some(old)) = (&new, &old)
            && self.whole(config, new)? != self.whole(config, old)?
        {
            // `transformers` takes the old section, and for some models parts of both.
            return Err(config.wrong("rope_scaling", "missing, or the same as `rope_parameters`"));
        }
        let base = self.theta(config, new.as_ref())?;
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
        let pairs = self.positions.checked_mul(turned / 2);
        if turned > WIDEST || pairs.is_none_or(|pairs| pairs > MOST_PAIRS) {
            return Err(config.wrong("max_position_embeddings", "smaller, or the limit on tokens must be"));
        }
        let mut frequencies: Vec<f64> =
            (0..turned / 2).map(|pair| base.powf(-((2 * pair) as f64) / turned as f64)).collect();
        if let Some(scaling) = &scaling {
            scale(scaling, &mut frequencies)?;
        }
        Ok(Arc::new(Rotation::new(&frequencies, self.positions, 1.0)))
    }

    /// Returns `rope_parameters`, or its section for this kind of block.
    fn section(&self, config: &Config) -> Result<Option<Config>> {
        let (Some(kind), Some(all)) = (self.kind, config.section("rope_parameters")) else {
            return Ok(config.section("rope_parameters"));
        };
        let flat = all
            .value()
            .as_object()
            .is_none_or(|all| all.values().any(|value| !value.is_object() && !value.is_null()));
        if flat {
            return Err(config.wrong("rope_parameters", "a section for each kind of block"));
        }
        Ok(all.section(kind))
    }

    /// Returns `rope_scaling`, if it applies to these blocks.
    fn old_section(&self, config: &Config) -> Option<Config> {
        let old = config.section("rope_scaling").filter(|_| self.scaled)?;
        old.value().as_object().is_none_or(|fields| !fields.is_empty()).then_some(old)
    }

    /// Returns all settings of a section, with the defaults of those that it lacks.
    fn whole(&self, config: &Config, section: &Config) -> Result<Value> {
        let mut fields = section.value().as_object().cloned().unwrap_or_default();
        let kind = fields.remove("type").unwrap_or_else(|| "default".into());
        fields.entry("rope_type").or_insert(kind);
        fields.insert("rope_theta".to_owned(), self.theta(config, Some(section))?.into());
        Ok(Value::Object(fields))
    }

    fn theta(&self, config: &Config, section: Option<&Config>) -> Result<f64> {
        let (config, field) = match section {
            Some(section) if section.has("rope_theta") => (section, "rope_theta"),
            _ => (config, self.base_field),
        };
        let theta = config.number_or(field, self.base)?;
        if theta > 0.0 { Ok(theta) } else { Err(config.wrong(field, "above 0")) }
    }
}

fn factor(config: &Config, default: f64) -> Result<f64> {
    let factor = config.number_or("factor", default)?;
    if factor > 0.0 { Ok(factor) } else { Err(config.wrong("factor", "above 0")) }
}

/// Applies the scaling of a section to the frequencies.
fn scale(config: &Config, frequencies: &mut [f64]) -> Result<()> {
    let field = if config.has("rope_type") { "rope_type" } else { "type" };
    match config.text_or(field, "default")? {
        "default" => {}
        "linear" => {
            let factor = factor(config, 1.0)?;
            frequencies.iter_mut().for_each(|frequency| *frequency /= factor);
        }
        "llama3" => {
            let factor = factor(config, 8.0)?;
            let (low, high) =
                (config.number_or("low_freq_factor", 1.0)?, config.number_or("high_freq_factor", 4.0)?);
            let trained = config.number_or("original_max_position_embeddings", 8_192.0)?;
            for frequency in frequencies {
                // Long waves are stretched, short ones are not, and those in between are stretched
                // partly.
                let waves = trained * *frequency / (2.0 * PI);
                let share = ((waves - low) / (high - low)).clamp(0.0, 1.0);
                *frequency = (1.0 - share) * *frequency / factor + share * *frequency;
            }
        }
        _ => return Err(config.wrong(field, "default, linear or llama3")),
    }
    Ok(())
}
