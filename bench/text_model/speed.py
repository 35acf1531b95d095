"""How fast models read: `semdedup embed` by several programs or models in turn, on the same texts.

    python bench/text_model/speed.py TEXTS.jsonl [--rounds 5] PROGRAM[,MODEL] PROGRAM[,MODEL] …

Prints for each the wall time of the whole command, the CPU time of its process, and texts a second of CPU time; medians with the range,
and the ratio to the first. CPU time is the steadier one on a machine that does other things as well.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path


def one(program, model, texts, folder):
    """Wall and CPU seconds of a command."""
    out = Path(folder) / "out"
    shutil.rmtree(out, ignore_errors=True)
    before, start = os.times(), time.perf_counter()
    command = [program, "embed", texts, "--out", out, "--text-column", "text", "--quiet", *(["--model", model] if model else [])]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path)
    parser.add_argument("programs", nargs="+", metavar="PROGRAM[,MODEL]")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with args.texts.open("rb") as file:
        rows = sum(1 for _ in file)
    asked = [(name, *name.partition(",")[::2]) for name in args.programs]
    found = {name: [] for name in args.programs}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            for name, program, model in asked:
                found[name].append(one(program, model, args.texts, folder))
    print(f"{rows:,} texts, {args.rounds} rounds\n\n| | wall seconds | CPU seconds | texts a second of CPU time | relative to the first |\n|---|---|---|---|---|")
    base = None
    for name, runs in found.items():
        (wall, cpu) = ([run[i] for run in runs] for i in (0, 1))
        middle = statistics.median(cpu)
        base = base or middle
        shown = (f"{statistics.median(times):.2f} ({min(times):.2f} – {max(times):.2f})" for times in (wall, cpu))
        print(f"| `{name}` | {' | '.join(shown)} | {rows / middle:,.0f} | {base / middle:.2f} × |")


if __name__ == "__main__":
    main()
