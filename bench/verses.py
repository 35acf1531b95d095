"""How often semdedup is right on labelled semantic duplicates: verses of the Bible in several English translations.

    python bench/verses.py VERSES.jsonl[.zst] [--epsilons 0.1,0.2,0.3] [--work DIR]

The input has the columns `id`, `verse`, `version` and `text`; rows with equal `verse` say the same thing in other words.
A row HAS A SIBLING if another row has its verse. For each epsilon, from removed.parquet (`id`, `duplicate_of`):

precision   of all removed rows, the share whose `duplicate_of` has the same verse.
coverage    of all rows that have a sibling, the share that is accounted for: removed, or a representative. A
            representative is a row that some removed row of the same verse names as its `duplicate_of`.
matched     coverage that does not credit a wrong removal: of the same rows, the share that is removed as a duplicate of a
            row of the same verse, or a representative.
same text   of the removals that count as wrong, how many have, letter by letter, the text of the row they name: different
            verses can say the same words ("And the LORD spake unto Moses, saying,"), and no method could tell them apart.

The labels are strict in another way too: parallel passages (Kings and Chronicles, the Gospels) count as wrong. So
precision is a lower bound, and is for comparing methods and epsilons with each other.

All runs share one work directory: the first embeds and scores, the others select again. Prints a Markdown table and
stores everything in bench/runs/<date>-verses.json.
"""

import argparse
import collections
import json
import sys
import tempfile
from pathlib import Path

import pyarrow
import pyarrow.parquet

from measure import SEMDEDUP_DONE, Paths, binary, json_or_text, machine, measured, store, table

EPSILONS = (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verses", type=Path)
    parser.add_argument("--epsilons", default=",".join(map(str, EPSILONS)), help="separated by commas")
    parser.add_argument("--work", type=Path, help="keep the work directory here and use it again")
    parser.add_argument("--semdedup", help="the binary to measure; by default target/release/semdedup")
    args = parser.parse_args()
    args.epsilons = [float(text) for text in args.epsilons.split(",")]
    return args


def read_rows(path):
    """The verse and the text of each id."""
    compression = "zstd" if path.suffix == ".zst" else None
    with pyarrow.input_stream(str(path), compression=compression) as stream:
        lines = [line for line in stream.read().decode("utf-8").split("\n") if line]
    rows = {}
    for line in lines:
        row = json.loads(line)
        rows[row["id"]] = (row["verse"], row["text"])
    if len(rows) != len(lines):
        sys.exit(f"error: {path}: {len(lines)} rows have {len(rows)} different ids; the labels need one id a row")
    return rows


def quality(rows, removed):
    """The measures of the module's description; `removed` holds pairs (id, id of the row it duplicates)."""
    size = collections.Counter(verse for verse, _ in rows.values())
    right = [(row, kept) for row, kept in removed if rows[row][0] == rows[kept][0]]
    right_rows, representatives = {row for row, _ in right}, {kept for _, kept in right}
    removed_rows = {row for row, _ in removed}
    with_sibling = {row for row, (verse, _) in rows.items() if size[verse] > 1}
    same_text = sum(rows[row][0] != rows[kept][0] and rows[row][1] == rows[kept][1] for row, kept in removed)
    return {
        "removed": len(removed),
        "precision": share(len(right), len(removed)),
        "coverage": share(len(with_sibling & (removed_rows | representatives)), len(with_sibling)),
        "matched": share(len(with_sibling & (right_rows | representatives)), len(with_sibling)),
        "wrong": len(removed) - len(right),
        "wrong_same_text": same_text,
        "rows_with_sibling": len(with_sibling),
    }


def share(part, of):
    return round(part / of, 4) if of else None


def read_removed(path, rows):
    """The pairs (id, duplicate_of), checked against the input: a row can be removed once, and only for another row."""
    columns = pyarrow.parquet.read_table(path, columns=["id", "duplicate_of"])
    pairs = list(zip(columns["id"].to_pylist(), columns["duplicate_of"].to_pylist()))
    unknown = [pair for pair in pairs if pair[0] not in rows or pair[1] not in rows]
    if unknown:
        sys.exit(f"error: {path}: {len(unknown)} rows name an id that the input does not have, such as {unknown[0]}")
    if len({row for row, _ in pairs}) != len(pairs) or any(row == kept for row, kept in pairs):
        sys.exit(f"error: {path}: a row is removed twice, or as a duplicate of itself")
    return pairs


class Runs:
    """Runs of semdedup on one work directory, each into an output folder of its own."""

    def __init__(self, args, temp):
        self.temp = temp
        program = binary(args.semdedup)
        work = args.work or temp / "work"
        self.paths = Paths(BIN=program.parent, TMP=temp, DATA=args.verses.resolve().parent, WORK=work)
        self.command = [program, "run", args.verses, "--work", work, "--id-column", "id", "--text-column", "text"]

    def at(self, epsilon):
        """What a run at this epsilon cost, its summary, and where its output lies."""
        out = self.temp / f"epsilon-{epsilon}"
        command = [*self.command, "--out", out, "--epsilon", epsilon, "--json", "--quiet"]
        cost = measured(command, self.paths, SEMDEDUP_DONE)
        # This process holds the whole input, and a child's peak starts from its parent's: main_job.py measures memory.
        del cost["peak_rss_bytes"]
        cost["summary"] = json_or_text(self.paths.hide((out / "summary.json").read_text(encoding="utf-8")))
        return cost, out


def main():
    args = parse()
    rows = read_rows(args.verses)
    record = {"machine": machine(), "data": {"file": args.verses.name, "rows": len(rows)}, "runs": []}
    lines = []
    with tempfile.TemporaryDirectory(prefix="semdedup-verses-") as temp:
        runs = Runs(args, Path(temp).resolve())
        for epsilon in args.epsilons:
            cost, out = runs.at(epsilon)
            found = quality(rows, read_removed(out / "removed.parquet", rows))
            if cost["summary"]["rows_removed"] != found["removed"]:
                sys.exit(f"error: epsilon {epsilon}: summary.json and removed.parquet disagree on the rows removed")
            record["runs"].append({"epsilon": epsilon, **found, **cost})
            wrong = f"{found['wrong']:,} ({found['wrong_same_text']:,})"
            shares = [percent(found[name]) for name in ("precision", "coverage", "matched")]
            lines.append([epsilon, f"{found['removed']:,}", *shares, wrong, f"{cost['seconds']:.1f}"])
    head = ["epsilon", "removed", "precision", "coverage", "matched", "wrong (same text)", "seconds"]
    record["table"] = table(head, lines)
    print(record["table"])
    print(f"\nstored in {store('verses', record)}")


def percent(value):
    return "–" if value is None else f"{100 * value:.1f} %"


if __name__ == "__main__":
    main()
