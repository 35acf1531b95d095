//! Names of models on the hub.

/// A name on the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// `org/name`.
    pub(super) repo: String,
    /// A branch, a tag or a commit.
    pub(super) revision: String,
}

impl Name {
    /// Parses `org/name` or `org/name@revision`. Returns `None` for a string that cannot be a name.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let (repo, revision) = typed.split_once('@').unwrap_or((typed, "main"));
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let (org, name) = repo.split_once('/')?;
        let known = plain(org) && plain(name) && revision.split('/').all(plain);
        known.then(|| Self { repo: repo.to_owned(), revision: revision.to_owned() })
    }
}
