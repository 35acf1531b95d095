//! A model's JSON files, read field by field: an error names the file and the field.

use std::path::Path;

use serde_json::Value;

use crate::ModelError;

type Result<T> = std::result::Result<T, ModelError>;

/// An object of a JSON file.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// As errors show it: the path, then the names of the sections.
    place: String,
    value: Value,
}

impl Config {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            ModelError::new(
                format!("{place}: not JSON: {error}"),
                "the file is damaged; fetch the model again",
            )
        })?;
        Ok(Self { place, value })
    }

    /// The value itself, for what is not an object of plain fields.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Where it stands, for errors.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// A field that is there and not null.
    fn field(&self, name: &str) -> Option<&Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    pub(crate) fn section(&self, name: &str) -> Option<Self> {
        let value = self.field(name)?.clone();
        Some(Self { place: format!("{}: {name}", self.place), value })
    }

    /// A section of its own, or the object itself where everything stands in one.
    pub(crate) fn section_or_self(&self, name: &str) -> Self {
        self.section(name).unwrap_or_else(|| self.clone())
    }

    pub(crate) fn count(&self, name: &str) -> Result<usize> {
        self.count_or(name, None)
    }

    /// A whole number from 1 on, or what holds where the field is missing.
    pub(crate) fn count_or(&self, name: &str, default: impl Into<Option<usize>>) -> Result<usize> {
        let count = self.whole_or(name, default)?;
        if count == 0 { Err(self.wrong(name, "a whole number from 1 on")) } else { Ok(count) }
    }

    /// A whole number from 0 on, or what holds where the field is missing.
    pub(crate) fn whole_or(&self, name: &str, default: impl Into<Option<usize>>) -> Result<usize> {
        let wanted = "a whole number";
        let value = match (self.field(name), default.into()) {
            (None, Some(default)) => return Ok(default),
            (None, None) => return Err(self.missing(name)),
            (Some(value), _) => value.as_u64().ok_or_else(|| self.wrong(name, wanted))?,
        };
        usize::try_from(value).ok().filter(|&value| value <= MOST).ok_or_else(|| self.wrong(name, wanted))
    }

    pub(crate) fn number_or(&self, name: &str, default: f64) -> Result<f64> {
        match self.field(name) {
            None => Ok(default),
            Some(value) => value.as_f64().ok_or_else(|| self.wrong(name, "a number")),
        }
    }

    pub(crate) fn flag_or(&self, name: &str, default: bool) -> Result<bool> {
        match self.field(name) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(name, "true or false")),
        }
    }

    pub(crate) fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str> {
        match self.field(name) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.wrong(name, "a string")),
        }
    }

    /// A list of numbers.
    pub(crate) fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>> {
        let Some(value) = self.field(name) else { return Ok(None) };
        let numbers = value.as_array().and_then(|values| values.iter().map(Value::as_f64).collect());
        numbers.map(Some).ok_or_else(|| self.wrong(name, "a list of numbers"))
    }

    /// A list of strings.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.field(name) else { return Ok(None) };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts = value.as_array().and_then(|values| values.iter().map(text).collect());
        texts.map(Some).ok_or_else(|| self.wrong(name, "a list of strings"))
    }

    pub(crate) fn missing(&self, name: &str) -> ModelError {
        ModelError::new(
            format!("{}: `{name}` is missing", self.place),
            "the model's folder is not whole or of a kind that is not known; see docs/models.md",
        )
    }

    pub(crate) fn wrong(&self, name: &str, wanted: &str) -> ModelError {
        let found = self.value.get(name).unwrap_or(&Value::Null);
        ModelError::new(
            format!("{}: `{name}` is {found}, it must be {wanted}", self.place),
            "the model's folder is damaged or of a kind that is not known; see docs/models.md",
        )
    }
}

/// No size of a model is greater; a greater one would only overflow somewhere.
pub(crate) const MOST: usize = 1 << 40;

/// The error of a file that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> ModelError {
    ModelError::new(format!("{}: {error}", path.display()), "the file must be there and readable")
}
