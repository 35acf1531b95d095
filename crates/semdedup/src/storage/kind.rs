//! The kinds of stores, by the schemes of their URLs.

/// The kinds of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Amazon,
    Google,
    Azure,
    Http,
}

impl Kind {
    /// Returns the kind of store that a URL names, or none if `text` is no URL of a store.
    pub(crate) fn of(text: &str) -> Option<Self> {
        match text.split_once("://")?.0 {
            "s3" | "s3a" => Some(Self::Amazon),
            "gs" => Some(Self::Google),
            "az" | "azure" | "abfs" | "abfss" | "adl" => Some(Self::Azure),
            "http" | "https" => Some(Self::Http),
            _ => None,
        }
    }
}
