//! Models by their name on the Hugging Face hub, `org/name` or `org/name@revision`, through its
//! cache on disk.
//!
//! `name` parses the name, `cache` knows the layout of the cache, `locate` decides whether the
//! cache has all of a model, and `fetch` downloads the rest file by file with `download`, which
//! checks each file with `content`.
#[cfg(feature = "remote")]
mod answer;
mod cache;
#[cfg(feature = "remote")]
mod content;
#[cfg(feature = "remote")]
mod download;
#[cfg(feature = "remote")]
mod fetch;
#[cfg(all(test, feature = "remote"))]
mod fetch_tests;
pub(crate) mod locate;
pub(crate) mod name;
#[cfg(all(test, feature = "remote"))]
mod small_hub;
#[cfg(test)]
mod tests;
