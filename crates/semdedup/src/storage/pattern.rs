//! Patterns with `*`, `?` and `[…]` over the keys of a store, as they are over the files of a disk.

use glob::{MatchOptions, Pattern};
use object_store::ObjectMeta;
use object_store::path::Path as Key;

use super::Location;
use crate::{Error, Result};

const WILD: [char; 3] = ['*', '?', '['];

impl Location {
    /// Whether it has a wildcard.
    pub(crate) fn is_pattern(&self) -> bool {
        self.key.as_ref().contains(WILD)
    }

    /// The folder before the first wildcard, and the objects in it that are picked, in the order of their keys.
    pub(crate) fn glob(&self) -> Result<(Self, Vec<ObjectMeta>)> {
        let key = self.key.as_ref();
        let pattern = Pattern::new(key)
            .map_err(|error| Error::usage(format!("the pattern `{}` is not valid: {error}", self.text)))?;
        let fixed = key.find(WILD).and_then(|wild| key[..wild].rfind('/')).unwrap_or(0);
        let folder = Self::of(&self.path_of(&Key::from(&key[..fixed])))?;
        let mut objects = folder.objects()?;
        objects.retain(|object| picks(&pattern, object.location.as_ref()));
        Ok((folder, objects))
    }
}

/// Whether a pattern picks an object, or a folder that it is in.
fn picks(pattern: &Pattern, key: &str) -> bool {
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let ends = key.match_indices('/').map(|(slash, _)| slash).chain([key.len()]);
    ends.into_iter().any(|end| pattern.matches_with(&key[..end], options))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_pattern_picks_objects_and_folders_as_it_does_on_a_disk() {
        let picks = |pattern: &str, key: &str| picks(&Pattern::new(pattern).unwrap(), key);
        assert!(picks("shards/part-*.jsonl", "shards/part-1.jsonl"));
        assert!(!picks("shards/part-*.jsonl", "shards/more/part-1.jsonl"));
        assert!(picks("shards/*", "shards/more/part-1.jsonl"));
        assert!(picks("**/*.jsonl", "a/b/c.jsonl") && picks("sh[a-c]rds", "shards/x.csv"));
        assert!(!picks("shards/*", "shards/.hidden/a.jsonl"));
    }
}
