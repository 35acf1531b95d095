//! Stand-ins for what this build lacks, so that callers compile without a feature and get an error
//! that names it.

#[cfg(not(feature = "server"))]
pub(crate) mod address;
#[cfg(not(feature = "images"))]
pub(crate) mod images;
#[cfg(not(feature = "transformers"))]
pub(crate) mod load;
#[cfg(not(feature = "server"))]
pub(crate) mod model;
