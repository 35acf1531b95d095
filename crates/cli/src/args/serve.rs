//! `semdedup serve-embeddings`: serves a model to other programs.

use std::net::SocketAddr;

use clap::Args;

use super::model::ModelArgs;

const LONG_ABOUT: &str = "\
Answers OpenAI's POST /v1/embeddings with a model, until Ctrl-C or SIGTERM. The model is the built-in one unless --model \
names another. When the server listens, it prints its address in the form that --model takes. It also answers \
GET /health and GET /v1/models.

Examples:
  semdedup serve-embeddings --listen 127.0.0.1:8080
  semdedup serve-embeddings --listen 127.0.0.1:0            any free port: the first line says which
  MY_KEY=… semdedup serve-embeddings --listen 0.0.0.0:8080 --key-from-env MY_KEY";

/// Serve a model as OpenAI's /v1/embeddings
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT)]
pub struct ServeArgs {
    /// The address and port to listen on; port 0 takes any free port
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        help_heading = "Server options"
    )]
    pub listen: SocketAddr,
    /// Require the key that this environment variable holds (Authorization: Bearer KEY)
    #[arg(long, value_name = "VARIABLE", help_heading = "Server options")]
    pub key_from_env: Option<String>,
    #[command(flatten)]
    pub model: ModelArgs,
}
