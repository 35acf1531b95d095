# Shortcuts for those who have just (https://just.systems). Nothing needs it: each recipe is one line for the shell.

# List the recipes.
default:
    @just --list

# Formatting and lints.
check:
    scripts/check.sh

# Everything that has to pass before a change goes in.
test:
    scripts/test.sh

# The main job beside its peers, three times each; needs bench/requirements.txt.
bench data="examples/win32-paragraphs.jsonl.zst":
    cargo build --release --locked
    python bench/main_job.py {{data}}

# Deduplicate the sample into ./deduped.
demo:
    cargo run --release --locked -- run examples/win32-paragraphs.jsonl.zst --out deduped --overwrite
