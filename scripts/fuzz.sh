#!/usr/bin/env bash
# Runs each fuzz target for a number of seconds: scripts/fuzz.sh [SECONDS [TARGET...]].
# Needs `cargo install cargo-fuzz`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-600}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(split rows arrow_ipc tar avro footer matrix ids answer)
# The sanitizers need features of a nightly compiler; this lets a stable one use them.
export RUSTC_BOOTSTRAP=1

data=crates/semdedup/tests/data
# Copies files into the corpus of a target, each behind a byte that tells the target the format.
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
seed avro '' $data/*.avro
seed footer '' $data/*.parquet
seed matrix '\x00' $data/npy/*.npy
seed matrix '\x01' $data/npy/*.npz
seed matrix '\x02' $data/npy/*.safetensors

for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run "$target" -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536
done
