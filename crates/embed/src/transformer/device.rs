//! Places and precisions in candle's terms.

use candle_core::{DType, Device};

use super::failure::Result;
use crate::error::ModelError;
use crate::load_options::{Place, Precision};

impl Place {
    /// Opens the device.
    pub(super) fn device(self) -> Result<Device> {
        let (device, name) = match self {
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda(number) => (Device::new_cuda(number), "cuda"),
            Self::Metal(number) => (Device::new_metal(number), "metal"),
        };
        device.map_err(|error| {
            ModelError::with_hint(
                format!("{name} cannot be used: {error}"),
                format!("the program must be built with the feature `{name}`, on a machine that has it"),
            )
        })
    }
}

impl Precision {
    pub(super) fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }

    /// Returns the name in fingerprints.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }
}

/// Returns the name of the kind of device in fingerprints.
pub(super) fn kind(device: &Device) -> &'static str {
    if device.is_cpu() { "cpu" } else { "gpu" }
}
