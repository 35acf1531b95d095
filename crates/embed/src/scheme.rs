//! How the address of a server is told from the name of a model.

/// Whether a string begins with `http://` or `https://`, in any case.
pub(crate) fn is_server(typed: &str) -> bool {
    let scheme = typed.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| scheme == "http" || scheme == "https")
}
