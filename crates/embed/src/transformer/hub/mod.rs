//! Models by their name on the Hugging Face hub, `org/name` or `org/name@revision`, through its
//! cache on disk.
//!
//! `name` parses the name, `cache` knows the layout of the cache, `locate` decides whether the
//! cache has all of a model, and `fetch` downloads the rest file by file with `download`, which
//! checks each file with `content`.
#[cfg(feature = "server")]
mod answer;
mod cache;
#[cfg(feature = "server")]
mod content;
#[cfg(feature = "server")]
mod download;
#[cfg(feature = "server")]
mod fetch;
#[cfg(all(test, feature = "server"))]
mod fetch_tests;
pub(crate) mod locate;
pub(crate) mod name;
#[cfg(all(test, feature = "server"))]
mod small_hub;
#[cfg(test)]
mod tests;
