//! Matches patterns with `*`, `?` and `[…]` against the keys of a store, as a shell does with
//! files.

use std::path::Path;

use glob::{MatchOptions, Pattern};
use object_store::ObjectMeta;
use object_store::path::Path as Key;

use crate::error::{Error, Result};
use crate::storage::location::Location;

const WILD: [char; 3] = ['*', '?', '['];

impl Location {
    /// Whether its key has a wildcard.
    pub(crate) fn is_pattern(&self) -> bool {
        self.key.as_ref().contains(WILD)
    }

    /// Lists the objects that the pattern matches, in the order of their keys. Without a wildcard
    /// there are none.
    pub(crate) fn glob(&self) -> Result<Matches> {
        let key = self.key.as_ref();
        if !self.is_pattern() {
            return Ok(Matches { folder: self.clone(), objects: Vec::new(), others: Vec::new() });
        }
        let pattern = Pattern::new(key)
            .map_err(|error| Error::usage(format!("the pattern `{}` is not valid: {error}", self.text)))?;
        let folder = self.at(fixed_part(key)?);
        let listed = folder.listed()?;
        listed.check_odd(&folder.text, |key| matches(&pattern, key))?;
        let (objects, others) =
            listed.objects.into_iter().partition(|object| matches(&pattern, object.location.as_ref()));
        Ok(Matches { folder, objects, others })
    }
}

/// Whether a path that a pattern finds on a disk leads through a `.` or `..` that the pattern does not
/// spell out: `dir/.*` finds `dir/..`, which is the folder around.
pub(crate) fn climbs(pattern: &str, found: &Path) -> bool {
    let found = found.to_string_lossy();
    let count =
        |path: &str, dots: &str| path.split(std::path::is_separator).filter(|part| *part == dots).count();
    count(&found, "..") > count(pattern, "..") || count(&found, ".") > usize::from(pattern.starts_with("./"))
}

/// The objects that a pattern matches.
#[derive(Debug)]
pub(crate) struct Matches {
    /// The folder before the first wildcard.
    pub(crate) folder: Location,
    pub(crate) objects: Vec<ObjectMeta>,
    /// The other objects of the folder.
    pub(crate) others: Vec<ObjectMeta>,
}

/// Returns the part of a key before the first wildcard, up to the last slash there.
fn fixed_part(key: &str) -> Result<Key> {
    let fixed = key.find(WILD).and_then(|wild| key[..wild].rfind('/')).unwrap_or(0);
    // `Key::from` would encode some of the characters.
    Key::parse(&key[..fixed])
        .map_err(|error| Error::usage(format!("the pattern `{key}` is not valid: {error}")))
}

/// Whether a pattern matches an object, or a folder that contains it.
fn matches(pattern: &Pattern, key: &str) -> bool {
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

    use std::sync::Arc;

    use object_store::memory::InMemory;
    use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

    use super::*;
    use crate::storage::client::wait;
    use crate::storage::kind::Kind;

    #[test]
    fn a_pattern_matches_objects_and_folders_as_it_does_on_a_disk() {
        let matches = |pattern: &str, key: &str| matches(&Pattern::new(pattern).unwrap(), key);
        assert!(matches("shards/part-*.jsonl", "shards/part-1.jsonl"));
        assert!(!matches("shards/part-*.jsonl", "shards/more/part-1.jsonl"));
        assert!(matches("shards/*", "shards/more/part-1.jsonl"));
        assert!(matches("**/*.jsonl", "a/b/c.jsonl") && matches("sh[a-c]rds", "shards/x.csv"));
        assert!(!matches("shards/*", "shards/.hidden/a.jsonl"));
    }

    #[test]
    fn a_pattern_climbs_only_where_it_spells_it_out() {
        for (pattern, found) in [
            ("d/.*", "d/.hidden"),
            ("d/../*.txt", "d/../a.txt"),
            ("./*", "a..txt"),
            ("../.*", "../.hidden"),
            ("d/*/.*", "d/e/...x"),
        ] {
            assert!(!climbs(pattern, Path::new(found)), "{pattern} {found}");
        }
        for (pattern, found) in [
            ("d/.*", "d/.."),
            ("d/.*", "d/."),
            (".*", ".."),
            ("./.*", ".."),
            ("d/.?/*", "d/../x"),
            ("d/../.*", "d/../.."),
            ("d/./.*", "d/."),
        ] {
            assert!(climbs(pattern, Path::new(found)), "{pattern} {found}");
        }
    }

    #[test]
    fn the_part_before_a_wildcard_stays_as_typed() {
        for folder in ["a~b", "a#b", "100%", "{x}", "größe", "a b/c=1"] {
            assert_eq!(fixed_part(&format!("{folder}/part-*.jsonl")).unwrap().as_ref(), folder);
        }
        assert_eq!(fixed_part("*.jsonl").unwrap().as_ref(), "");
    }

    #[test]
    fn a_key_without_a_wildcard_matches_nothing_and_one_with_it_matches_what_is_there() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let at = |key: &str| {
            let (text, root) = (format!("s3://b/{key}"), "s3://b".to_owned());
            Location { store: store.clone(), key: Key::parse(key).unwrap(), text, root, kind: Kind::Amazon }
        };
        for key in ["a~b/part-1.jsonl", "a~b/other.jsonl"] {
            let location = at(key);
            let put = async move { location.store.put(&location.key, PutPayload::from(vec![1])).await };
            wait(put).unwrap().unwrap();
        }
        let found =
            |key: &str| at(key).glob().unwrap().objects.into_iter().map(|object| object.location.to_string());
        assert_eq!(found("a~b/part-*.jsonl").collect::<Vec<_>>(), ["a~b/part-1.jsonl"]);
        assert_eq!(found("a~b").count(), 0);
    }
}
