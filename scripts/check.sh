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

echo "== one build of each crate"
# A crate that the first command and the tests build with different features is compiled twice.
# Which features a crate has differs by system: the lists in the manifests are those of Linux.
features() { cargo tree --locked --prefix none --no-dedupe --format '{p} {f}' "$@" | LC_ALL=C sort -u; }
if [ "$(uname -s)" = Linux ]; then
  first=$(features --no-default-features --edges normal,build)
  tests=$(features --workspace --edges normal,build,dev)
  twice=$(LC_ALL=C comm -23 <(echo "$first") <(echo "$tests") | sed 's/ .*//' | sort -u |
    grep -vx -e semdedup -e semdedup-cli -e semdedup-embed -e object_store | paste -sd ' ' || true)
  [ -z "$twice" ] || stop "compiled twice, for the first command and again for the tests: $twice" \
    "give them the features that the tests give them, in Cargo.toml or in crates/cli/Cargo.toml"
fi
