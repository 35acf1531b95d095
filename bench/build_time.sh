#!/usr/bin/env bash
# Times the build of the README's first command from nothing: an empty CARGO_HOME, an empty target
# folder, a fresh clone. Usage: bench/build_time.sh [--tests] [REVISION…] (default: HEAD), one after
# the other. --tests times the second command, scripts/test.sh, after the first.
# Prints wall-clock, user and system seconds, the number of crates, and the crates that took longest.
set -euo pipefail
if [ "${1-}" = --tests ]; then
  tests=scripts/test.sh
  shift
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repository=$PWD
cargo_home=${CARGO_HOME:-$HOME/.cargo}

echo "$(nproc) cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(rustc --version)"
for revision in "${@:-HEAD}"; do
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  git clone --quiet "$repository" "$folder/clone"
  git -C "$folder/clone" checkout --quiet "$revision"
  mkdir "$folder/home"
  # Where crates come from is part of the machine, not of what is measured.
  for name in config config.toml credentials.toml; do
    [ -f "$cargo_home/$name" ] && cp "$cargo_home/$name" "$folder/home/"
  done
  cd "$folder/clone"
  command=$(grep -m1 -o 'cargo run --release[^#]*' README.md)
  build=${command/cargo run/cargo build --timings}
  build=${build%% -- *}
  export CARGO_HOME="$folder/home" CARGO_TARGET_DIR="$folder/target"
  # Downloads are not timed: they measure the network.
  cargo fetch --quiet --locked
  echo "== $(git rev-parse --short HEAD): $build"
  TIMEFORMAT='wall %R s, user %U s, system %S s'
  time $build --locked --quiet
  python3 - "$folder"/target/cargo-timings/cargo-timing.html <<'PY'
import json, re, sys

text = open(sys.argv[1]).read()
units = json.loads(re.search(r"const UNIT_DATA = (\[.*?\]);\n", text, re.S).group(1))
seconds = {}
for unit in units:
    seconds[unit["name"]] = seconds.get(unit["name"], 0) + unit["duration"]
print(len(seconds), "crates; seconds of the longest, two at a time:")
longest = sorted(seconds.items(), key=lambda item: -item[1])[:25]
print(", ".join(f"{name} {duration:.0f}" for name, duration in longest))
PY
  if [ -n "${tests-}" ]; then
    echo "== $tests"
    time $tests >"$folder/tests.log" 2>&1 || { tail -n 40 "$folder/tests.log"; exit 1; }
  fi
  unset CARGO_TARGET_DIR
  export CARGO_HOME=$cargo_home
  cd "$repository"
  rm -rf "$folder"
done
