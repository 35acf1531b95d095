//! A model behind a server, against a server that does everything wrong that a server can do. The
//! tests record the waits that the model asks for instead of waiting.
#![allow(clippy::unwrap_used)]

mod faults;
mod refused;
mod requests;
mod server;
mod settings;
