"""The main job by several programs in turn, with the seconds of each stage and the time outside the stages: what a
change of the code has brought.

    python bench/runs_in_turn.py TEXTS.jsonl [--rounds 5] PROGRAM PROGRAM …

Prints medians with their ranges for each program: the wall and CPU seconds of the whole process, those of each stage by its
summary, and what lies between the stages, before the first and behind the last one. Says whether all wrote the same rows.
"""

import argparse
import hashlib
import json
import shutil
import statistics
import tempfile
from pathlib import Path

from measure import SEMDEDUP_DONE, Paths, measured

STAGES = ("embed", "train", "assign", "score", "recall", "select", "write")


def one(program, texts, folder, threads):
    """The seconds of a run, and a hash of the rows that it kept."""
    out, work = folder / "out", folder / "work"
    for place in (out, work):
        shutil.rmtree(place, ignore_errors=True)
    command = [program, "run", texts, "--out", out, "--work", work, "--text-column", "text", "--quiet"]
    run = measured([*command, *(["--threads", threads] if threads else [])], Paths(), SEMDEDUP_DONE)
    stages = json.loads((out / "summary.json").read_text())["seconds"]
    seconds = {stage: stages.get(stage, 0.0) for stage in STAGES}
    between = run["seconds"] - sum(seconds.values())
    kept = hashlib.sha256(b"".join(file.read_bytes() for file in sorted((out / "kept").iterdir()))).hexdigest()
    return {"wall": run["seconds"], "CPU": run["cpu_seconds"], **seconds, "between": between}, kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path)
    parser.add_argument("programs", nargs="+", metavar="PROGRAM")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    found, kept = {program: [] for program in args.programs}, set()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            for program in args.programs:
                seconds, rows = one(program, args.texts, Path(folder), args.threads)
                found[program].append(seconds)
                kept.add(rows)
    print(f"{args.rounds} rounds in turn; seconds\n\n| | {' | '.join(map('`{}`'.format, found))} |\n|---|{'---|' * len(found)}")
    for name in next(iter(found.values()))[0]:
        columns = ([run[name] for run in runs] for runs in found.values())
        shown = (f"{statistics.median(times):.2f} ({min(times):.2f} – {max(times):.2f})" for times in columns)
        print(f"| {name} | {' | '.join(shown)} |")
    print("\nAll kept the same rows." if len(kept) == 1 else "\nThey did not keep the same rows.")


if __name__ == "__main__":
    main()
