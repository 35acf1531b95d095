#!/usr/bin/env bash
# Formatting and lints, as a change must leave them. Installs rustfmt and clippy where they are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stop() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

# Asking the tool for its version, not rustup for its list, leaves machines without rustup or network alone.
need_component() {
  cargo "$2" --version >/dev/null 2>&1 && return
  has rustup || stop "cargo $2 is missing and rustup is not there to add it" "install Rust from https://rustup.rs"
  rustup component add "$1"
}

has cargo || stop "cargo was not found" "install Rust from https://rustup.rs, then open a new shell"
# Rust links through cc, and zstd is compiled from C.
has cc || stop "no C compiler found (cc)" \
  "apt-get install build-essential, dnf install gcc, apk add build-base, or xcode-select --install"

need_component rustfmt fmt
need_component clippy clippy

echo "== format"
cargo fmt --all --check
echo "== lints"
cargo clippy --release --workspace --all-targets --locked -- -D warnings
# The README's first command builds without the features; nothing else does.
cargo clippy --release --no-default-features --locked -- -D warnings
