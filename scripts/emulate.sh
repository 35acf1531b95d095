#!/usr/bin/env bash
# Runs the tests of crates/core, and those of the image kernels of crates/embed, as other CPUs would:
# each has instruction sets that this machine may lack. It runs on x86-64 Linux. It is not part of
# scripts/test.sh, because it needs qemu and a C compiler for Arm, and takes five to fifteen minutes a
# CPU.
#
#   scripts/emulate.sh                            # all tests
#   scripts/emulate.sh kernels instruction_sets   # the tests whose names contain one of these words: seconds a CPU
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The CPU models of each target, and the best instruction set of ours that each has.
X86=(Nehalem=sse2 Haswell=avx2)
ARM=(cortex-a72=neon neoverse-n1=dotprod max=i8mm)
ARM_TARGET=aarch64-unknown-linux-gnu
ARM_ROOT=/usr/aarch64-linux-gnu

stop() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

for tool in qemu-x86_64 qemu-aarch64; do
  has "$tool" || stop "$tool was not found" "apt-get install qemu-user"
done
has aarch64-linux-gnu-gcc || stop "the C compiler for Arm was not found (aarch64-linux-gnu-gcc)" \
  "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
[ -d "$(rustc --print sysroot)/lib/rustlib/$ARM_TARGET" ] || stop "Rust's library for Arm was not found" \
  "rustup target add $ARM_TARGET"

unset SEMDEDUP_ISA # It would fix the instruction set of the build.
# The same generated cases every time, as in scripts/test.sh.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-2303}"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc

words=("$@")
# The check that the emulator has the instruction set is always among them.
[ $# -eq 0 ] || words+=(an_emulated_cpu)
listed() { cargo test --release --locked --package semdedup-core --lib --test engine -- --list "$@" | grep -c ': test$' || true; }
[ $# -eq 0 ] || [ "$(listed "$@")" -gt 0 ] || stop "no test has one of these words in its name: $*" "leave them out, or see cargo test -- --list"

# Runs the tests of a target under an emulator. Cargo calls the emulator as the target's runner.
emulate() { # target, emulator, model=instruction set…
  local target=$1 emulator=$2 runner model set
  shift 2
  runner=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$target")_RUNNER
  for pair in "$@"; do
    model=${pair%=*} set=${pair#*=}
    echo "== $target, $model ($set)"
    env "$runner=$emulator -cpu $model" SEMDEDUP_EXPECTED_ISA="$set" \
      cargo test --release --locked --package semdedup-core --target "$target" --lib --test engine -- "${words[@]}"
    env "$runner=$emulator -cpu $model" SEMDEDUP_EXPECTED_ISA="$set" \
      cargo test --release --locked --package semdedup-embed --no-default-features --features images \
      --target "$target" --lib -- "${words[@]:-mobilenet}"
  done
}

emulate x86_64-unknown-linux-gnu qemu-x86_64 "${X86[@]}"
emulate "$ARM_TARGET" "qemu-aarch64 -L $ARM_ROOT" "${ARM[@]}"
echo "== all passed"
