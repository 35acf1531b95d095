//! Bounds what the schema of an Avro file means where each name stands for its type: named types that
//! each hold the one before twice double with every level, and the library writes all of them out.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};

/// A schema means at most this many types…
const MAX_TYPES: u64 = 100_000;
/// …at most this deep in one another.
const MAX_DEPTH: u64 = 128;

/// Fails for a schema that means more types than any data has.
pub(crate) fn check(path: &Path, schema: &str) -> Result<()> {
    // The library tells what is no JSON.
    let Ok(schema) = serde_json::from_str::<Value>(schema) else { return Ok(()) };
    let Size { types, depth } = Names::default().size(&schema);
    let problem = match (types > MAX_TYPES, depth > MAX_DEPTH) {
        (true, _) => {
            format!("its schema has more than {MAX_TYPES} types where each name stands for its type")
        }
        (_, true) => format!("its schema has types {depth} deep in one another, the limit is {MAX_DEPTH}"),
        _ => return Ok(()),
    };
    Err(Error::input(path, problem).hint("write the columns that you need to another file"))
}

/// What a type means where each name stands for its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Size {
    types: u64,
    depth: u64,
}

impl Size {
    /// A type that holds others.
    fn around(parts: impl Iterator<Item = Self>) -> Self {
        let most = parts.fold(Self::default(), |sum, part| Self {
            types: sum.types.saturating_add(part.types),
            depth: sum.depth.max(part.depth),
        });
        Self { types: most.types.saturating_add(1), depth: most.depth.saturating_add(1) }
    }

    fn max(self, other: Self) -> Self {
        Self { types: self.types.max(other.types), depth: self.depth.max(other.depth) }
    }
}

/// The sizes of the named types so far, by the last part of their names: that the library finds a
/// type in a namespace where another reader would not must not get past the bound. Of several types
/// of a name the largest counts.
#[derive(Default)]
struct Names(HashMap<String, Size>);

impl Names {
    /// Returns the size of a type.
    fn size(&mut self, schema: &Value) -> Size {
        match schema {
            Value::String(name) => self.named(name),
            Value::Array(branches) => Size::around(branches.iter().map(|branch| self.size(branch))),
            Value::Object(of) => {
                let parts = ["items", "values"].into_iter().filter_map(|key| of.get(key));
                let fields = of.get("fields").and_then(Value::as_array).into_iter().flatten();
                let parts = parts.chain(fields.filter_map(|field| field.get("type")));
                // `{"type": {"type": …}}` wraps a type.
                let parts: Vec<&Value> = parts.chain(of.get("type")).collect();
                let size = Size::around(parts.into_iter().map(|part| self.size(part)));
                if let Some(name) = of.get("name").and_then(Value::as_str) {
                    let known = self.0.entry(last_part(name).to_owned()).or_default();
                    *known = (*known).max(size);
                }
                size
            }
            _ => Size { types: 1, depth: 1 },
        }
    }

    /// Returns the size of the type of this name; 1 for one that is built in, and for a type within
    /// itself, which the library refuses.
    fn named(&self, name: &str) -> Size {
        self.0.get(last_part(name)).copied().unwrap_or(Size { types: 1, depth: 1 })
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a record that holds the one before twice, `levels` times.
    fn doubling(levels: usize) -> String {
        let record = |level: usize, inner: String| {
            let name = format!("n.R{level}");
            let again = if level == 0 { "\"int\"".to_owned() } else { format!("\"R{}\"", level - 1) };
            format!(
                "{{\"type\": \"record\", \"name\": \"{name}\", \"fields\": [{{\"name\": \"a\", \"type\": {inner}}}, \
                 {{\"name\": \"b\", \"type\": {again}}}]}}"
            )
        };
        (0..levels).fold("\"int\"".to_owned(), |inner, level| record(level, inner))
    }

    #[test]
    fn types_that_double_at_each_level_are_refused_however_short_the_schema_is() {
        let path = Path::new("x.avro");
        assert!(check(path, &doubling(10)).is_ok());
        let error = check(path, &doubling(40)).expect_err("a bomb").to_string();
        assert_eq!(
            error,
            "x.avro: its schema has more than 100000 types where each name stands for its type"
        );
    }

    /// Returns records of which each holds the one before twice, in wrappers whose names name two
    /// namespaces in turn, which the library does not enter.
    fn doubling_in_namespaces(levels: usize) -> String {
        let field = |level: usize| {
            let held = if level == 0 { "int".to_owned() } else { format!("R{}", level - 1) };
            let namespace = if level.is_multiple_of(2) { "a" } else { "b" };
            let record = format!(
                "{{\"type\": \"record\", \"name\": \"R{level}\", \"fields\": [{{\"name\": \"a\", \"type\": \"{held}\"}}, \
                 {{\"name\": \"b\", \"type\": \"{held}\"}}]}}"
            );
            format!(
                "{{\"name\": \"f{level}\", \"type\": [\"null\", {{\"type\": \"record\", \"name\": \"{namespace}.W{level}\", \
                 \"fields\": [{{\"name\": \"x\", \"type\": [\"null\", {record}]}}]}}]}}"
            )
        };
        let fields: Vec<String> = (0..levels).map(field).collect();
        format!("{{\"type\": \"record\", \"name\": \"T\", \"fields\": [{}]}}", fields.join(", "))
    }

    #[test]
    fn types_that_double_are_refused_whatever_the_namespaces_around_them() {
        let path = Path::new("x.avro");
        assert!(check(path, &doubling_in_namespaces(8)).is_ok());
        let error = check(path, &doubling_in_namespaces(22)).expect_err("a bomb").to_string();
        assert!(error.starts_with("x.avro: its schema has more than 100000 types"), "{error}");
    }

    #[test]
    fn of_types_of_one_name_the_largest_counts() {
        let small = "{\"type\": \"record\", \"name\": \"z.R21\", \"fields\": []}";
        let uses = |types: &[&str]| format!("[{}, \"R21\"]", types.join(", "));
        let large = doubling_in_namespaces(16);
        let twice = large.replace("R15", "R21");
        let size = |schema: &str| Names::default().size(&serde_json::from_str(schema).expect("JSON")).types;
        assert_eq!(size(&uses(&[&twice, small])), size(&uses(&[small, &twice])));
    }

    #[test]
    fn types_far_within_one_another_are_refused() {
        let fields = |level: usize| match level {
            0 => "\"int\"".to_owned(),
            level => format!("\"R{}\"", level - 1),
        };
        let record = |level: usize| {
            format!(
                "{{\"type\": \"record\", \"name\": \"R{level}\", \"fields\": [{{\"name\": \"a\", \"type\": {}}}]}}",
                fields(level)
            )
        };
        let chain = |levels: usize| format!("[{}]", (0..levels).map(record).collect::<Vec<_>>().join(", "));
        assert!(check(Path::new("x.avro"), &chain(40)).is_ok());
        let error = check(Path::new("x.avro"), &chain(200)).expect_err("deep").to_string();
        assert!(error.ends_with("deep in one another, the limit is 128"), "{error}");
    }

    #[test]
    fn what_is_no_schema_is_left_to_the_library() {
        for schema in [
            "",
            "{",
            "7",
            "\"int\"",
            "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", \"type\": \"R\"}]}",
        ] {
            assert!(check(Path::new("x.avro"), schema).is_ok(), "{schema}");
        }
    }
}
