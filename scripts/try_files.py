#!/usr/bin/env python3
"""Runs `semdedup run` on every file and folder in a folder, each alone, and prints a table of what came out.

    scripts/try_files.py FOLDER [--semdedup target/release/semdedup] [--json] [-- OPTIONS OF run]

A row has the exit code, the rows read, kept, removed and skipped, what was compared, and the error if there is one. With files
whose right result is known (such as the inputs of bug reports), the table before a change and after it shows what the change did.
Needs Python alone. Nothing in FOLDER is written.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent
SECONDS = 120


def attempt(semdedup, path, options):
    """Runs the program on a file in a temporary folder, and returns what came out."""
    with tempfile.TemporaryDirectory() as folder:
        command = [semdedup, "run", path, "--out", f"{folder}/out", "--threads", "1", "--json", *options]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return {"input": path.name, "exit": f"over {SECONDS} s"}
    found = {"input": path.name, "exit": done.returncode}
    if done.returncode in (0, 1):
        summary = json.loads(done.stdout)
        for field in ("rows_in", "rows_kept", "rows_removed", "rows_skipped", "exact_duplicates"):
            found[field] = summary[field]
        files = summary["compared"]["files"]
        found["compared"] = "; ".join(sorted({"+".join(one.get("text", [])) or one.get("row", "") for one in files}))
    said = [line for line in done.stderr.splitlines() if line.startswith(("error: ", "hint: ", "warning: "))]
    found["said"] = " ".join(said).replace(str(path), path.name)
    if "panicked" in done.stderr or done.returncode not in (0, 1, 2):
        found["said"] = f"FAULT: {done.stderr[-300:]}"
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--semdedup", default=ROOT / "target/release/semdedup")
    parser.add_argument("--json", action="store_true", help="print an object a line instead of the table")
    parser.add_argument("options", nargs="*", help="options of `semdedup run`, behind --")
    asked = parser.parse_args()
    fields = ("exit", "rows_in", "rows_kept", "rows_removed", "rows_skipped", "exact_duplicates")
    if not asked.json:
        print("| input | exit | in | kept | removed | skipped | exact copies | compared | said |")
        print("|---|" + "---:|" * len(fields) + "---|---|")
    faults = 0
    for path in sorted(asked.folder.iterdir()):
        found = attempt(asked.semdedup, path, asked.options)
        faults += found.get("said", "").startswith("FAULT")
        if asked.json:
            print(json.dumps(found), flush=True)
            continue
        cells = [found["input"], *(found.get(field, "") for field in fields), found.get("compared", "")]
        said = found.get("said", "").replace("|", "\\|")
        print("| " + " | ".join(map(str, [*cells, said[:160]])) + " |", flush=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
