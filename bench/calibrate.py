"""How often an epsilon that `semdedup calibrate` chose on one half of the labels holds on the other half.

    python bench/calibrate.py --verses VERSES.jsonl[.zst] --pairs PAIRS.jsonl[.zst] [--draws 10] [--labels 200]

Verses have the columns `id`, `verse` and `text`; rows with equal `verse` say the same. Pairs have the columns `a` and `b`
(two texts) and `same` (0 or 1); each different text becomes a row, and the pairs become a file of labels.

halves   for each target of precision and each of `--draws` seeds: the epsilon that one half chooses, and how often the other
         half CONFIRMS it (its precision reaches the target), is below it but HOLDS the target in its 95 % interval, or is
         below it as a whole. At most half of the choices are confirmed where nothing is wrong, because the largest epsilon is
         one that just reaches the target. Of an epsilon that is given beforehand some 8 % would be below as a whole: the
         difference of two halves varies √2 times as much as one of them, and 8 % exceed 1.96/√2 deviations on one side.
bands    `semdedup label` draws `--labels` pairs by band from the run over verses, anew for each of `--band-draws` seeds, and
         the column `verse` answers. Counts how often the 95 % interval of the precision at the epsilon of the run contains
         the precision that all removed rows have. Equal texts count as the same there, whatever their verses.

Prints Markdown tables and stores everything in bench/runs/<date>-calibrate.json.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow

from measure import SEMDEDUP_DONE, Paths, binary, machine, measured, store, table
from verses import percent, read_removed, read_rows

VERDICTS = ("confirmed", "within_interval", "not_confirmed", "unknown", "nothing_reached")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--verses", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, action="append", required=True, help="may be repeated")
    parser.add_argument("--draws", type=int, default=10, help="how many times labels are divided into halves")
    parser.add_argument("--band-draws", type=int, default=40, help="how many times pairs are drawn by band")
    parser.add_argument("--labels", type=int, default=200, help="how many pairs are drawn by band")
    parser.add_argument("--verse-targets", default="0.85,0.88", help="separated by commas")
    parser.add_argument("--pair-targets", default="0.9,0.95", help="separated by commas")
    parser.add_argument("--semdedup", help="the binary to measure; by default target/release/semdedup")
    args = parser.parse_args()
    for name in ("verse_targets", "pair_targets"):
        setattr(args, name, [float(text) for text in getattr(args, name).split(",")])
    return args


class Session:
    """Commands of one binary in one folder."""

    def __init__(self, args, temp):
        self.temp, self.program = temp, binary(args.semdedup)
        self.paths = Paths(BIN=self.program.parent, TMP=temp, DATA=args.verses.resolve().parent)

    def run(self, rows, out):
        """A run over rows with `id` and `text`; its cost and where its result lies."""
        command = [self.program, "run", rows, "--out", out, "--id-column", "id", "--text-column", "text", "--json", "-q"]
        cost = measured(command, self.paths, SEMDEDUP_DONE)
        return {"command": cost["command"], "seconds": cost["seconds"], "rows": cost["stdout"]["rows_in"],
                "rows_removed": cost["stdout"]["rows_removed"], "epsilon": cost["stdout"]["epsilon"]}

    def calibrate(self, out, *options):
        """What `calibrate` says, and its seconds."""
        cost = measured([self.program, "calibrate", out, *options, "--json"], self.paths)
        return cost["stdout"], cost["seconds"], cost["command"]

    def halves(self, out, labels, targets, draws):
        """The choices for each target and seed."""
        return [self.choice(out, labels, target, seed) for target in targets for seed in range(draws)]

    def choice(self, out, labels, target, seed):
        found, seconds, command = self.calibrate(out, *labels, "--precision", target, "--seed", seed)
        return {"seed": seed, "seconds": seconds, "command": command, **found["choice"]}

    def draw_by_band(self, out, labels, count, seed):
        """Lets `label` draw pairs. Every answer is yes; who knows better writes the file anew."""
        command = [self.program, "label", out, "--labels", labels, "--seed", seed, "-q"]
        subprocess.run([str(part) for part in command], input="y\n" * count, text=True, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def say_the_same(rows, one, other):
    """Whether two verses are the same verse, or the same text."""
    return rows[one][0] == rows[other][0] or rows[one][1] == rows[other][1]


def answer(path, rows):
    """Writes the answers of the column `verse` into a file of labels."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        line["same"] = str(say_the_same(rows, line["id_a"], line["id_b"])).lower()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, lines[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def bands(session, out, rows, args):
    """For each seed the estimate of the precision from labels drawn by band, beside the precision of all removed rows."""
    removed = read_removed(out / "removed.parquet", rows)
    truth = sum(say_the_same(rows, row, kept) for row, kept in removed) / len(removed)
    draws = []
    for seed in range(args.band_draws):
        labels = session.temp / f"labels-{seed}.csv"
        session.draw_by_band(out, labels, args.labels, seed)
        answer(labels, rows)
        found, seconds, _ = session.calibrate(out, "--pairs", labels)
        (at,) = [at for at in found["table"] if at["epsilon"] == found["epsilon"]]
        low, high = at["precision"]["interval"]
        draws.append({"seed": seed, "seconds": seconds, "labels": found["pairs"]["pairs"], "holds": low <= truth <= high,
                      **at["precision"]})
    return {"truth": truth, "removed": len(removed), "draws": draws}


def rows_of_pairs(path, folder):
    """Writes each different text as a row, and the pairs as labels; returns both files."""
    compression = "zstd" if path.suffix == ".zst" else None
    with pyarrow.input_stream(str(path), compression=compression) as stream:
        pairs = [json.loads(line) for line in stream.read().decode("utf-8").split("\n") if line]
    ids = {}
    for pair in pairs:
        for side in ("a", "b"):
            ids.setdefault(pair[side], f"t{len(ids)}")
    folder.mkdir()
    rows, labels = folder / "rows.jsonl", folder / "labels.csv"
    with rows.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": name, "text": text}, ensure_ascii=False) + "\n" for text, name in ids.items())
    with labels.open("w", encoding="utf-8") as file:
        file.write("id_a,id_b,same\n")
        file.writelines(f"{ids[pair['a']]},{ids[pair['b']]},{int(pair['same'])}\n" for pair in pairs)
    return rows, labels


def verdict_lines(name, choices):
    """A line of the table for each target."""
    lines = []
    for target in sorted({choice["target"] for choice in choices}):
        some = [choice for choice in choices if choice["target"] == target]
        epsilons = sorted(choice["epsilon"] for choice in some if choice["epsilon"] is not None)
        span = f"{epsilons[0]:g} to {epsilons[-1]:g}" if epsilons else "–"
        counts = [sum(choice["verdict"] == verdict for choice in some) for verdict in VERDICTS]
        if sum(counts) != len(some):
            sys.exit(f"error: {name}: an unknown verdict among {[choice['verdict'] for choice in some]}")
        lines.append([name, percent(target), span, *counts])
    return lines


def main():
    args = parse()
    verses = read_rows(args.verses)
    record = {"machine": machine(), "data": {"verses": args.verses.name, "rows": len(verses)}}
    with tempfile.TemporaryDirectory(prefix="semdedup-calibrate-") as temp:
        session = Session(args, Path(temp).resolve())
        out = session.temp / "verses"
        record["verses"] = {"run": session.run(args.verses, out)}
        groups = ["--group-column", "verse"]
        record["verses"]["halves"] = session.halves(out, groups, args.verse_targets, args.draws)
        record["verses"]["bands"] = bands(session, out, verses, args)
        lines = verdict_lines("verses", record["verses"]["halves"])
        record["pairs"] = {}
        for path in args.pairs:
            name = path.name.split(".")[0]
            rows, labels = rows_of_pairs(path, session.temp / name)
            out = session.temp / name / "out"
            run = session.run(rows, out)
            halves = session.halves(out, ["--pairs", labels], args.pair_targets, args.draws)
            record["pairs"][name] = {"run": run, "halves": halves}
            lines += verdict_lines(name, halves)
    head = ["labels", "target", "epsilon", "confirmed", "below, interval holds it", "below", "unknown", "none reaches it"]
    drawn = record["verses"]["bands"]
    held = sum(draw["holds"] for draw in drawn["draws"])
    record["table"] = table(head, lines)
    truth = f"{percent(drawn['truth'])} of all {drawn['removed']:,} removed rows"
    record["bands"] = f"{args.labels} labels by band: {held} of {args.band_draws} intervals contain the precision, {truth}"
    print(record["table"])
    print("\n" + record["bands"])
    print(f"\nstored in {store('calibrate', record)}")


if __name__ == "__main__":
    main()
