"""Recall over numbers of clusters: what the default number costs and finds.

    python bench/clusters.py TEXTS.jsonl[.zst] [--clusters 128,250,354,500,707] [--recall-sample 6000]

Runs `semdedup run --epsilon 0.1 --json` once for each number of clusters on shared embeddings, and prints recall with its
interval, on all rows and without exact copies, and the seconds of training, assigning and scoring. Stores everything in
bench/runs/<date>-clusters.json.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from measure import binary, machine, store, table


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path)
    parser.add_argument("--clusters", default="128,250,354,500,707", help="separated by commas")
    parser.add_argument("--recall-sample", default="6000")
    parser.add_argument("--semdedup", help="the binary to measure; by default target/release/semdedup")
    return parser.parse_args()


def share(at, name):
    low, high = at[f"interval{name}"]
    return f"{at[f'recall{name}']:.4f} ({low:.4f} – {high:.4f})"


def main():
    args = parse()
    program, rows, records = binary(args.semdedup), [], []
    with tempfile.TemporaryDirectory() as temp:
        for clusters in args.clusters.split(","):
            command = [str(program), "run", str(args.texts), "--out", f"{temp}/out-{clusters}", "--work", f"{temp}/work"]
            command += ["--clusters", clusters, "--recall-sample", args.recall_sample, "--epsilon", "0.1", "--json", "-q"]
            summary = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            at = next(at for at in summary["recall"] if at["epsilon"] == 0.1)
            seconds = summary["seconds"]
            times = [f"{seconds[stage]:.1f}" for stage in ("train", "assign", "score")]
            rows.append([clusters, share(at, ""), share(at, "_distinct"), *times])
            wanted = ("rows_in", "rows_kept", "clusters", "largest_cluster", "recall", "seconds", "threads")
            records.append({field: summary[field] for field in wanted})
    headings = ["clusters", "recall at 0.1", "without exact copies", "train s", "assign s", "score s"]
    print(table(headings, rows))
    store("clusters", {"machine": machine(), "file": args.texts.name, "recall_sample": args.recall_sample, "runs": records})


if __name__ == "__main__":
    main()
