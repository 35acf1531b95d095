//! A model's JSON files, read field by field. Errors name the file and the field.

use std::path::Path;

use serde_json::Value;

use super::failure::Result;
use crate::error::ModelError;

/// An object of a JSON file.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The place in errors: the path and the names of the sections.
    place: String,
    value: Value,
}

impl Config {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            ModelError::with_hint(
                format!("{place}: not JSON: {error}"),
                "the file is damaged; fetch the model again",
            )
        })?;
        Ok(Self { place, value })
    }

    /// Reads a file that may be missing.
    pub(crate) fn read_optional(path: &Path) -> Result<Option<Self>> {
        if path.is_file() { Self::read(path).map(Some) } else { Ok(None) }
    }

    /// Returns the JSON value, for settings that are not plain fields.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the place in errors.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Returns a field that is present and not null.
    fn field(&self, name: &str) -> Option<&Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    /// Whether a field is present and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// Returns a field as a section of its own.
    pub(crate) fn section(&self, name: &str) -> Option<Self> {
        let value = self.field(name)?.clone();
        Some(Self { place: format!("{}: {name}", self.place), value })
    }

    /// Returns a section, or the whole object if it has no such section.
    pub(crate) fn section_or_self(&self, name: &str) -> Self {
        self.section(name).unwrap_or_else(|| self.clone())
    }

    /// Returns a required integer from 1.
    pub(crate) fn count(&self, name: &str) -> Result<usize> {
        self.count_or(name, None)
    }

    /// Returns an integer from 1, or the default if the field is missing.
    pub(crate) fn count_or(&self, name: &str, default: impl Into<Option<usize>>) -> Result<usize> {
        let count = self.whole_or(name, default)?;
        if count == 0 { Err(self.wrong(name, "a whole number from 1 on")) } else { Ok(count) }
    }

    /// Returns an integer from 0, or the default if the field is missing.
    pub(crate) fn whole_or(&self, name: &str, default: impl Into<Option<usize>>) -> Result<usize> {
        let wanted = "a whole number";
        let value = match (self.field(name), default.into()) {
            (None, Some(default)) => return Ok(default),
            (None, None) => return Err(self.missing(name)),
            (Some(value), _) => value.as_u64().ok_or_else(|| self.wrong(name, wanted))?,
        };
        usize::try_from(value).ok().filter(|&value| value <= MOST).ok_or_else(|| self.wrong(name, wanted))
    }

    /// Returns a number, or the default if the field is missing.
    pub(crate) fn number_or(&self, name: &str, default: f64) -> Result<f64> {
        match self.field(name) {
            None => Ok(default),
            Some(value) => value.as_f64().ok_or_else(|| self.wrong(name, "a number")),
        }
    }

    /// Returns a boolean, or the default if the field is missing.
    pub(crate) fn flag_or(&self, name: &str, default: bool) -> Result<bool> {
        match self.field(name) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(name, "true or false")),
        }
    }

    /// Returns a string, or the default if the field is missing.
    pub(crate) fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str> {
        match self.field(name) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.wrong(name, "a string")),
        }
    }

    /// Returns a list of numbers, if the field is present.
    pub(crate) fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>> {
        let Some(value) = self.field(name) else { return Ok(None) };
        let numbers = value.as_array().and_then(|values| values.iter().map(Value::as_f64).collect());
        numbers.map(Some).ok_or_else(|| self.wrong(name, "a list of numbers"))
    }

    /// Returns a list of strings, if the field is present.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.field(name) else { return Ok(None) };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts = value.as_array().and_then(|values| values.iter().map(text).collect());
        texts.map(Some).ok_or_else(|| self.wrong(name, "a list of strings"))
    }

    /// Makes the error of a missing field.
    pub(crate) fn missing(&self, name: &str) -> ModelError {
        ModelError::with_hint(
            format!("{}: `{name}` is missing", self.place),
            "the model's folder is not whole or of a kind that is not known; see docs/models.md",
        )
    }

    /// Makes the error of a field whose value must be `wanted`.
    pub(crate) fn wrong(&self, name: &str, wanted: &str) -> ModelError {
        let found = self.value.get(name).unwrap_or(&Value::Null);
        ModelError::with_hint(
            format!("{}: `{name}` is {found}, it must be {wanted}", self.place),
            "the model's folder is damaged or of a kind that is not known; see docs/models.md",
        )
    }
}

/// The largest size that a model may have. A larger one would only overflow somewhere.
pub(crate) const MOST: usize = 1 << 40;

/// Makes the error of a file that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> ModelError {
    ModelError::with_hint(format!("{}: {error}", path.display()), "the file must be there and readable")
}
