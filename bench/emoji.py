"""How often semdedup is right on images of the same thing, and how fast: emoji of several vendors.

    python bench/emoji.py EMOJI.tar [--epsilons 0.02,0.05,0.1] [--times 3] [--note TEXT]

EMOJI.tar is a WebDataset shard with a PNG and a JSON (`vendor`, `codepoint`) a sample. For each epsilon, from removed.parquet:

precision    of all removed rows, the share whose `duplicate_of` has the same codepoint
matched      of all rows whose codepoint another vendor draws too, the share that is removed as a duplicate of a row of the same
             codepoint, or named by such a removal: the recall
same base    of all removed rows, the share whose `duplicate_of` has the same base: the codepoint without skin tone and gender
across       of the removed rows whose `duplicate_of` is of ANOTHER vendor, how many there are, and the share with the same codepoint

Each vendor draws a codepoint once. So the pictures that are nearest to each other are variants by one vendor (skin tones, clock
faces, flags), never of one codepoint: `precision` counts all of these as wrong, `same base` some.

Speed: images per second of the stage `embed` of whole runs, reading, decoding and writing included, and of LiteRT in Python with PIL
(`peer_litert.py`) on the same file, in turn, `--times` each; LiteRT with as many threads as there are cores, and as one process for
each core, which is the fastest that its users can have. Prints Markdown tables and stores everything, and the note, in
bench/runs/<date>-emoji.json. To measure both sides at AVX2 alone, build semdedup with SEMDEDUP_ISA=avx2, and see litert_avx2.py.
"""

import argparse
import json
import os
import statistics
import sys
import tarfile
import tempfile
from pathlib import Path

import pyarrow.parquet

from measure import SEMDEDUP_DONE, Paths, binary, json_or_text, machine, measured, store, table

EPSILONS = (0.01, 0.02, 0.03, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2)
MODIFIERS = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff", "200d", "2640", "2642", "fe0f"}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("emoji", type=Path)
    parser.add_argument("--epsilons", default=",".join(map(str, EPSILONS)), help="separated by commas")
    parser.add_argument("--times", type=int, default=3, help="runs of each side for the speed; 0 leaves it out")
    parser.add_argument("--semdedup", help="the binary to measure; by default target/release/semdedup")
    parser.add_argument("--note", default="", help="how the sides were prepared, for the record")
    args = parser.parse_args()
    args.epsilons = [float(text) for text in args.epsilons.split(",")]
    return args


def labels(path):
    """The vendor and the codepoint of each sample."""
    with tarfile.open(path) as tar:
        members = {m.name: tar.extractfile(m).read() for m in tar if m.name.endswith(".json")}
    read = {name.removesuffix(".json"): json.loads(text) for name, text in members.items()}
    return {key: (label["vendor"], label["codepoint"]) for key, label in read.items()}


def base(codepoint):
    return "-".join(part for part in codepoint.split("-") if part not in MODIFIERS)


def quality(rows, removed):
    """The measures of the module's description; `removed` holds pairs (id, id of the row it duplicates)."""
    vendors = {}
    for vendor, codepoint in rows.values():
        vendors.setdefault(codepoint, set()).add(vendor)
    pairs = [(row, kept, rows[row], rows[kept]) for row, kept in removed]
    right = [(row, kept) for row, kept, a, b in pairs if a[1] == b[1]]
    across = [a[1] == b[1] for _, _, a, b in pairs if a[0] != b[0]]
    with_sibling = {row for row, (_, codepoint) in rows.items() if len(vendors[codepoint]) > 1}
    found = {row for pair in right for row in pair}
    return {
        "removed": len(removed),
        "precision": share(len(right), len(removed)),
        "matched": share(len(with_sibling & found), len(with_sibling)),
        "same_base": share(sum(base(a[1]) == base(b[1]) for _, _, a, b in pairs), len(removed)),
        "across": len(across),
        "across_precision": share(sum(across), len(across)),
        "rows_with_sibling": len(with_sibling),
    }


def share(part, of):
    return round(part / of, 4) if of else None


def percent(value):
    return "–" if value is None else f"{100 * value:.1f} %"


class Runs:
    def __init__(self, args, temp):
        self.args, self.temp, self.program = args, temp, binary(args.semdedup)
        self.paths = Paths(BIN=self.program.parent, TMP=temp, DATA=args.emoji.resolve().parent)

    def at(self, epsilon, work):
        """What a run cost, its summary, and where its output lies."""
        out = self.temp / f"out-{work.name}-{epsilon}"
        options = ["--id-column", "__key__", "--epsilon", epsilon, "--work", work, "--out", out, "--json", "--quiet"]
        cost = measured([self.program, "run", self.args.emoji, *options], self.paths, SEMDEDUP_DONE)
        cost["summary"] = json_or_text(self.paths.hide((out / "summary.json").read_text(encoding="utf-8")))
        return cost, out

    def peer(self, processes, threads):
        peer = Path(__file__).parent / "peer_litert.py"
        return measured([sys.executable, peer, self.args.emoji, processes, threads], self.paths)


def decisions(args, runs, record):
    rows, lines = labels(args.emoji), []
    for epsilon in args.epsilons:
        cost, out = runs.at(epsilon, runs.temp / "work")
        columns = pyarrow.parquet.read_table(out / "removed.parquet", columns=["id", "duplicate_of"])
        removed = list(zip(columns["id"].to_pylist(), columns["duplicate_of"].to_pylist()))
        found = quality(rows, removed)
        record["runs"].append({"epsilon": epsilon, **found, **cost})
        shares = [percent(found[name]) for name in ("precision", "matched", "same_base")]
        lines.append([epsilon, f"{found['removed']:,}", *shares, f"{found['across']:,}", percent(found["across_precision"])])
    return table(["epsilon", "removed", "precision", "matched", "same base", "across vendors", "… same codepoint"], lines)


def speed(args, runs, record):
    cores, images = os.cpu_count(), len(labels(args.emoji))
    sides = {"semdedup": [], f"LiteRT, {cores} threads": [], f"LiteRT, {cores} processes": []}
    for time in range(args.times):
        cost, _ = runs.at(0.05, runs.temp / f"work-{time}")
        seconds = cost["summary"]["seconds"]["embed"]
        peers = [runs.peer(1, cores), runs.peer(cores, 1)]
        for side, rate in zip(sides.values(), [images / seconds, *(float(p["stdout"].split()[0]) for p in peers)]):
            side.append(round(rate, 1))
        record["speed"].append({"semdedup": cost, "litert_threads": peers[0], "litert_processes": peers[1]})
    record["images_per_second"] = sides
    return table(["", "images a second, median", "every run"], [[k, statistics.median(v), v] for k, v in sides.items()])


def main():
    args = parse()
    record = {"machine": machine(), "data": args.emoji.name, "note": args.note, "runs": [], "speed": []}
    with tempfile.TemporaryDirectory(prefix="semdedup-emoji-") as temp:
        runs = Runs(args, Path(temp).resolve())
        record["tables"] = [decisions(args, runs, record)]
        if args.times:
            record["tables"].append(speed(args, runs, record))
    print("\n\n".join(record["tables"]))
    print(f"\nstored in {store('emoji', record)}")


if __name__ == "__main__":
    main()
