#!/usr/bin/env bash
# Runs fuzz targets, a number of seconds each: scripts/fuzz.sh [SECONDS [TARGET...]]. Needs `cargo install cargo-fuzz`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-600}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(split rows arrow_ipc tar matrix ids answer)
# The sanitizers ask for a nightly compiler, or for a stable one that is told to pass for it.
export RUSTC_BOOTSTRAP=1

data=crates/semdedup/tests/data
# Puts files into a target's corpus, each behind a byte that says what it is.
seed() {
    local target=$1 byte=$2
    mkdir -p "fuzz/corpus/$target"
    for file in "${@:3}"; do
        { printf "$byte"; cat "$file"; } > "fuzz/corpus/$target/$(basename "$file")"
    done
}
seed rows '\x01' $data/*.json
seed rows '\x02' $data/*.csv
seed rows '\x03' $data/*.tsv
seed rows '\x05' $data/*.jsonl.gz
seed arrow_ipc '' $data/*.arrow $data/*.feather $data/*.ipc
seed tar '' $data/images/*.tar
seed matrix '\x00' $data/npy/*.npy
seed matrix '\x01' $data/npy/*.npz
seed matrix '\x02' $data/npy/*.safetensors

for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run "$target" -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536
done
