//! The weights: safetensors files, read tensor by tensor, so that nothing is in memory twice.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use serde_json::Value;

use super::config::{Config, unreadable};
use super::failure::{Result, failed};
use crate::error::ModelError;

/// The longest header, in bytes.
const LONGEST_HEADER: u64 = 100_000_000;

/// The place of a tensor.
#[derive(Debug)]
struct Place {
    file: usize,
    dtype: DType,
    shape: Vec<usize>,
    start: u64,
    bytes: usize,
}

/// All tensors of a model, still in their files.
#[derive(Debug)]
pub(crate) struct Weights {
    files: Vec<(PathBuf, File)>,
    tensors: HashMap<String, Place>,
    /// The precision of matrices.
    kept: DType,
    device: Device,
}

impl Weights {
    /// Opens `model.safetensors`, or the files that `model.safetensors.index.json` names.
    pub(crate) fn open(folder: &Path, kept: DType, device: &Device) -> Result<Self> {
        let mut weights = Self { files: Vec::new(), tensors: HashMap::new(), kept, device: device.clone() };
        for path in files(folder)? {
            weights.add(&path)?;
        }
        Ok(weights)
    }

    /// Reads the header of a file.
    fn add(&mut self, path: &Path) -> Result<()> {
        let unreadable = |error: std::io::Error| unreadable(path, &error);
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| damaged(path, "it is shorter than a header"))?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length + 8 > size {
            return Err(damaged(path, &format!("its header would have {length} bytes of {size}")));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(unreadable)?;
        let header: HashMap<String, Value> = serde_json::from_slice(&header)
            .map_err(|error| damaged(path, &format!("its header: {error}")))?;
        let number = self.files.len();
        for (name, entry) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
            let place = place(&entry, number, 8 + length..size)
                .ok_or_else(|| damaged(path, &format!("its header describes `{name}` as {entry}")))?;
            if let Some(place) = place {
                self.tensors.insert(name, place);
            }
        }
        self.files.push((path.to_owned(), file));
        Ok(())
    }

    /// Returns the tensors below the first of some prefixes below which there is a tensor `probe`.
    pub(crate) fn below<'a>(&'a self, prefixes: &[&str], probe: &str) -> Result<Scope<'a>> {
        let found = prefixes.iter().find(|prefix| self.tensors.contains_key(&format!("{prefix}{probe}")));
        match found {
            Some(prefix) => Ok(Scope { weights: self, prefix: (*prefix).to_owned() }),
            None => Err(self.missing(&format!("{}{probe}", prefixes.first().unwrap_or(&"")))),
        }
    }

    /// Returns the precision of computations. On a CPU it is never less than f32.
    pub(crate) fn computed(&self) -> DType {
        if self.device.is_cpu() { DType::F32 } else { self.kept }
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// Makes the error of a missing tensor.
    fn missing(&self, name: &str) -> ModelError {
        let path = self.files.first().map(|(path, _)| path.display().to_string()).unwrap_or_default();
        let place = if self.files.len() > 1 { format!("{path} and the other shards") } else { path };
        ModelError::with_hint(
            format!("{place}: no tensor `{name}`"),
            "the weights do not belong to the config.json beside them, or are of a variant that is not known",
        )
    }

    /// Reads a tensor.
    fn read(&self, place: &Place) -> Result<Tensor> {
        let (path, file) = &self.files[place.file];
        let mut bytes = vec![0; place.bytes];
        let mut file = file;
        file.seek(SeekFrom::Start(place.start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| unreadable(path, &error))?;
        Tensor::from_raw_buffer(&bytes, place.dtype, &place.shape, &Device::Cpu).map_err(failed)
    }
}

/// Returns the files of weights in a folder.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (single, index) = (folder.join("model.safetensors"), folder.join("model.safetensors.index.json"));
    if single.is_file() {
        return Ok(vec![single]);
    }
    if !index.is_file() {
        let found =
            if folder.join("pytorch_model.bin").is_file() { "only pytorch_model.bin" } else { "no weights" };
        return Err(ModelError::with_hint(
            format!("{}: {found}, model.safetensors is needed", folder.display()),
            "most models are published with safetensors too; transformers' save_pretrained writes them",
        ));
    }
    shards(&index)?.iter().map(|name| shard(folder, name, &index)).collect()
}

/// Returns the files that an index names.
pub(crate) fn shards(index: &Path) -> Result<Vec<String>> {
    let index = Config::read(index)?;
    let map = index.value().get("weight_map").and_then(Value::as_object);
    let map = map.ok_or_else(|| index.missing("weight_map"))?;
    let mut names: Vec<String> = map.values().filter_map(Value::as_str).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn shard(folder: &Path, name: &str, index: &Path) -> Result<PathBuf> {
    let path = folder.join(name);
    // An index may only name files beside it.
    if Path::new(name).file_name().is_some_and(|file| file == name) && path.is_file() {
        return Ok(path);
    }
    let message = format!("{}: names `{name}`, which is not there", index.display());
    Err(ModelError::with_hint(message, "the model was not fetched whole; fetch it again"))
}

/// Parses an entry of a header, for a file whose tensors are in the bytes `data`. The inner `None`
/// is a tensor of a type that no model needs, the outer one a damaged entry.
fn place(entry: &Value, file: usize, data: Range<u64>) -> Option<Option<Place>> {
    let offsets = entry.get("data_offsets")?.as_array()?;
    let [start, end] = offsets.as_slice() else { return None };
    let (start, end) = (data.start.checked_add(start.as_u64()?)?, data.start.checked_add(end.as_u64()?)?);
    let shape: Vec<usize> = entry
        .get("shape")?
        .as_array()?
        .iter()
        .map(|n| usize::try_from(n.as_u64()?).ok())
        .collect::<Option<_>>()?;
    if start > end || end > data.end {
        return None;
    }
    let dtype = match entry.get("dtype")?.as_str()? {
        "F64" => DType::F64,
        "F32" => DType::F32,
        "F16" => DType::F16,
        "BF16" => DType::BF16,
        _ => return Some(None),
    };
    let count = shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n))?;
    let bytes = count.checked_mul(dtype.size_in_bytes())?;
    (bytes as u64 == end - start).then_some(Some(Place { file, dtype, shape, start, bytes }))
}

fn damaged(path: &Path, problem: &str) -> ModelError {
    ModelError::with_hint(
        format!("{}: not a whole safetensors file: {problem}", path.display()),
        "fetch the model again; a file of a few hundred bytes is a pointer of Git LFS",
    )
}

/// The tensors whose names begin with a prefix.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    weights: &'a Weights,
    prefix: String,
}

impl Scope<'_> {
    /// Returns the tensors below a name.
    pub(crate) fn at(&self, name: &str) -> Self {
        Self { weights: self.weights, prefix: format!("{}{name}.", self.prefix) }
    }

    fn find(&self, name: &str) -> Option<&Place> {
        // The names in checkpoints that were converted from TensorFlow.
        let old = match name {
            "weight" => "gamma",
            "bias" => "beta",
            other => other,
        };
        let find = |name: &str| self.weights.tensors.get(&format!("{}{name}", self.prefix));
        find(name).or_else(|| find(old))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Returns the shape of a tensor.
    pub(crate) fn shape(&self, name: &str) -> Result<&[usize]> {
        let place = self.find(name).ok_or_else(|| self.missing(name))?;
        Ok(&place.shape)
    }

    /// Makes the error of a tensor with a wrong shape.
    pub(crate) fn wrong(&self, name: &str, wanted: &str) -> ModelError {
        let place = self.find(name);
        let path =
            place.map(|place| self.weights.files[place.file].0.display().to_string()).unwrap_or_default();
        let shape = place.map(|place| place.shape.as_slice()).unwrap_or_default();
        ModelError::with_hint(
            format!("{path}: `{}{name}` has the shape {shape:?}, it must be one {wanted}", self.prefix),
            "the weights are damaged or of a variant that is not known",
        )
    }

    /// Reads a matrix in the precision that the user asked for.
    pub(crate) fn matrix(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.tensor(name, shape)?.to_dtype(self.weights.kept).map_err(failed)
    }

    /// Reads a tensor in the precision of computations, after rounding to the one that the user
    /// asked for.
    pub(crate) fn vector(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.matrix(name, shape)?.to_dtype(self.weights.computed()).map_err(failed)
    }

    /// Makes a vector of zeros in the precision of computations.
    pub(crate) fn zeros(&self, width: usize) -> Result<Tensor> {
        Tensor::zeros(width, self.weights.computed(), &self.weights.device).map_err(failed)
    }

    /// Reads a tensor as the file has it.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let place = self.find(name).ok_or_else(|| self.missing(name))?;
        if place.shape != shape {
            let path = self.weights.files[place.file].0.display();
            return Err(ModelError::with_hint(
                format!(
                    "{path}: `{}{name}` has the shape {:?} instead of {shape:?}",
                    self.prefix, place.shape
                ),
                "the weights do not belong to the config.json beside them",
            ));
        }
        self.weights.read(place)?.to_device(&self.weights.device).map_err(failed)
    }

    fn missing(&self, name: &str) -> ModelError {
        self.weights.missing(&format!("{}{name}", self.prefix))
    }
}
