"""Which languages lose rows that are no duplicates: distinct sentences of many languages, each language a run of its own.

    python bench/languages.py SENTENCES.jsonl[.zst] ... [--semdedup BINARY] [--before BINARY] [--epsilon 0.07]

The inputs have the columns `id`, `lang` and `text`; within a language all texts are distinct, so every removed row is an error or
a sentence that differs from another in a word or two. Also run: all languages in one input, where a row may be taken for a
duplicate of another language's.

removed     rows removed, of the language's rows, with the default model; `--before` adds the same of another binary.
in one      rows of the language removed where all languages of the file lie in one input.
unknown     rows of which most words are not in the model's vocabulary.
pairs       where more than 1 % go: the pairs, in the record and under the table.

Prints a Markdown table and stores everything in bench/runs/<date>-languages.json.
"""

import argparse
import collections
import json
import tempfile
from pathlib import Path

import pyarrow
import pyarrow.parquet

from measure import SEMDEDUP_DONE, Paths, binary, machine, measured, store, table

ALLOWED = 0.01  # a larger share of removed rows is listed pair by pair


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sentences", type=Path, nargs="+")
    parser.add_argument("--semdedup", help="the binary to measure; by default target/release/semdedup")
    parser.add_argument("--before", type=Path, help="another binary, for comparison")
    parser.add_argument("--epsilon", default=0.07)
    return parser.parse_args()


def read_rows(path):
    """The rows of each language, in order."""
    compression = "zstd" if path.suffix == ".zst" else None
    with pyarrow.input_stream(str(path), compression=compression) as stream:
        rows = [json.loads(line) for line in stream.read().decode("utf-8").split("\n") if line]
    languages = collections.defaultdict(list)
    for row in rows:
        languages[row["lang"]].append({"id": row["id"], "text": row["text"]})
    return languages


def removed(program, epsilon, rows, temp):
    """The pairs (removed row, its duplicate_of, score) by id, and the summary of the run."""
    with tempfile.TemporaryDirectory(dir=temp) as folder:
        source, out = Path(folder) / "rows.jsonl", Path(folder) / "out"
        source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        command = [program, "run", source, "--out", out, "--text-column", "text", "--id-column", "id",
                   "--epsilon", epsilon, "--json", "--quiet"]
        summary = measured(command, Paths(TMP=folder), SEMDEDUP_DONE)["stdout"]
        columns = pyarrow.parquet.read_table(out / "removed.parquet", columns=["id", "duplicate_of", "score"])
        return list(zip(*(columns[name].to_pylist() for name in columns.column_names))), summary


def measure_file(args, programs, path, temp):
    """One record for each language of a file."""
    languages = read_rows(path)
    everything = [row for rows in languages.values() for row in rows]
    pairs, _ = removed(programs[-1], args.epsilon, everything, temp)
    texts = {row["id"]: row["text"] for row in everything}
    language_of = {row["id"]: lang for lang, rows in languages.items() for row in rows}
    in_one = collections.Counter(language_of[row] for row, _, _ in pairs)
    for lang, rows in languages.items():
        found = [removed(program, args.epsilon, rows, temp) for program in programs]
        pairs, summary = found[-1]
        record = {"file": path.name, "lang": lang, "rows": len(rows), "removed": len(pairs), "in_one": in_one[lang],
                  "unknown": summary.get("unknown_texts"), "scripts": summary.get("scripts")}
        if len(found) > 1:
            record["removed_before"] = len(found[0][0])
        if len(pairs) > ALLOWED * len(rows):
            record["pairs"] = [{"score": round(score, 4), "removed": texts[row], "duplicate_of": texts[other]}
                               for row, other, score in pairs]
        yield record


def percent(part, of):
    return f"{100 * part / of:.1f} %"


def main():
    args = parse()
    programs = [Path(args.before)] if args.before else []
    programs.append(binary(args.semdedup))
    records = []
    with tempfile.TemporaryDirectory(prefix="semdedup-languages-") as temp:
        for path in args.sentences:
            records += measure_file(args, programs, path, temp)
    head = ["language", "rows", *(["before"] if args.before else []), "removed", "in one", "unknown"]
    lines = []
    for r in records:
        before = [percent(r["removed_before"], r["rows"])] if args.before else []
        shares = [percent(r[name] or 0, r["rows"]) for name in ("removed", "in_one", "unknown")]
        lines.append([r["lang"], r["rows"], *before, *shares])
    record = {"machine": machine(), "epsilon": args.epsilon, "languages": records, "table": table(head, lines)}
    print(record["table"])
    for r in records:
        for pair in r.get("pairs", []):
            print(f"{r['lang']} {pair['score']:.3f}\n    {pair['removed']}\n    {pair['duplicate_of']}")
    print(f"\nstored in {store('languages', record)}")


if __name__ == "__main__":
    main()
