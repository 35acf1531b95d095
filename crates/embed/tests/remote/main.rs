//! A model behind a server, against a server that does everything wrong that a server can do. Nothing waits: the waits that
//! the model asks for are noted instead.
#![allow(clippy::unwrap_used)]

mod faults;
mod requests;
mod server;
mod settings;
