//! Files of data sets on the Hugging Face hub, by the URLs `hf://` of `huggingface_hub` and DuckDB.

use crate::error::{Error, Result};

/// The scheme of the URLs.
pub(super) const SCHEME: &str = "hf";

/// Returns the address of the hub, without a slash at the end.
pub(super) fn endpoint() -> String {
    let named = std::env::var("HF_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty());
    named.as_deref().unwrap_or("https://huggingface.co").trim_end_matches('/').to_owned()
}

/// Returns the address on the web of a file, of which `rest` is the URL behind `hf://`:
/// `datasets/OWNER/NAME[@REVISION]/PATH`.
///
/// # Errors
/// A repository of another kind, a pattern, or a folder: the hub is asked for files only, not for
/// lists of them.
pub(super) fn web_address(endpoint: &str, rest: &str) -> Result<String> {
    let mut parts = rest.splitn(4, '/');
    let [kind, owner, name, path] = [(); 4].map(|()| parts.next().unwrap_or_default());
    if kind != "datasets" || owner.is_empty() || name.is_empty() {
        return Err(Error::usage(format!("hf://{rest}: names no data set of the Hugging Face hub"))
            .hint("write hf://datasets/OWNER/NAME/FILE"));
    }
    let (name, revision) = name.split_once('@').unwrap_or((name, "main"));
    let download = || {
        format!(
            "name each file, or run `hf download {owner}/{name} --repo-type dataset --local-dir {name}` and give that folder"
        )
    };
    if path.is_empty() || path.ends_with('/') || path.contains(['*', '?', '[']) {
        let problem = "the hub is asked for single files, not for lists of them";
        return Err(Error::usage(format!("hf://{rest}: {problem}")).hint(download()));
    }
    // `refs/convert/parquet` has slashes, which the hub wants escaped and our client cannot escape.
    if revision.is_empty() || revision == "refs" || revision.starts_with('~') {
        return Err(Error::usage(format!("hf://{rest}: only branches, tags and commits are taken behind @"))
            .hint(download()));
    }
    let path = path.replace('%', "%25").replace('#', "%23");
    Ok(format!("{endpoint}/datasets/{owner}/{name}/resolve/{revision}/{path}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_has_its_address_on_the_web() {
        let address = |rest: &str| web_address("https://hub", rest);
        for (rest, path) in [
            ("datasets/o/n/data/train 1.parquet", "datasets/o/n/resolve/main/data/train 1.parquet"),
            ("datasets/o/n@v1.0/a%b#c.jsonl", "datasets/o/n/resolve/v1.0/a%25b%23c.jsonl"),
        ] {
            assert_eq!(address(rest).unwrap(), format!("https://hub/{path}"));
        }
        for wrong in [
            "o/n/a.jsonl",
            "datasets/o",
            "datasets/o/n",
            "datasets/o/n/data/",
            "datasets/o/n/*.parquet",
            "datasets/o/n@~parquet/a.parquet",
            "datasets/o/n@refs/convert/parquet/a.parquet",
        ] {
            assert!(address(wrong).unwrap_err().hint_text().is_some(), "{wrong}");
        }
    }
}
