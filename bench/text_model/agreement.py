"""Measures how far static models agree with a slow model, the teacher, about the near-duplicates among real texts.

    python bench/text_model/agreement.py --texts win32-paragraphs.jsonl.zst --teacher MODEL [--program semdedup] [--old PROGRAM]
        [--rows DIR] [--json FILE] built-in my-model …

A seeded sample of distinct texts is embedded by every model. A row's score is its highest cosine with an earlier row, in the same random
order for all models, and exact. The teacher removes the rows whose score is above 1 − ε; that is taken as the truth. A model is measured
at the threshold at which it removes as many rows as the teacher: precision, recall and F1 are then the same number, here "same rows".
The average precision ranks all rows by the model's score. The same two are given without the rows that the teacher removes for a text with
other numbers: the models of `semdedup distill` keep those on purpose. "Order of cosines" is Spearman's correlation of the model's cosines with the
teacher's: over pairs at random, over each row and its nearest earlier row by the teacher, and over both together.

Texts that the teacher would not read to the end are left out: --tokens is what it reads. That needs `pip install tokenizers`, and a
teacher that is a folder. The other options are those of evaluate.py.
"""

import argparse
import json
import re
import zlib
from pathlib import Path

import numpy as np

from evaluate import BUILT_IN, average_precision, kept_rows, percent, scores, spearman
from static import read_jsonl


def sampled(texts, size, longest, seed):
    """A seeded sample of the distinct texts of at most `longest` characters, in the order of the file."""
    distinct = [t for t in dict.fromkeys(texts) if t and len(t) <= longest]
    chosen = np.random.default_rng(seed).choice(len(distinct), min(size, len(distinct)), replace=False)
    return [distinct[i] for i in np.sort(chosen)]


def read_whole(texts, teacher, tokens):
    """Those of the texts that have at most `tokens` tokens, the teacher's own marks counted."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(Path(teacher) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [t for t in texts if len(tokenizer.encode(t).ids) <= tokens]


def numbers(text):
    return re.findall(r"\d+", text)


def cosines(x, pairs):
    return (x[pairs[0]] * x[pairs[1]]).sum(1)


class Truth:
    """What the teacher says of the texts."""

    def __init__(self, x, texts, seed):
        self.best, nearest = scores(x, seed)
        self.other_numbers = np.asarray([numbers(t) != numbers(texts[i]) for t, i in zip(texts, nearest)])
        random = np.random.default_rng(seed).integers(len(x), size=(2, len(x)))
        near = np.delete(np.stack([np.arange(len(x)), nearest]), self.best.argmin(), 1)  # the first row of the order has no earlier one
        self.pairs = random[:, random[0] != random[1]], near
        self.cosines = [cosines(x, p) for p in self.pairs]


def same_rows(best, gone):
    """The share of the rows `gone` among as many rows of the highest scores, the lowest of those scores, and the average precision."""
    first = np.argsort(-best, kind="stable")[:gone.sum()]
    return float(gone[first].mean()), float(best[first[-1]]), average_precision(best, gone)


def agreement(x, truth, epsilons, seed):
    """How a model with embeddings `x` agrees with the teacher."""
    best, out = scores(x, seed)[0], {"by epsilon": {}}
    for e in epsilons:
        gone = truth.best > 1 - e
        rest = ~(gone & truth.other_numbers)
        same, threshold, precision = same_rows(best, gone)
        out["by epsilon"][e] = {"removed": int(gone.sum()), "same rows": same, "average precision": precision, "epsilon": 1 - threshold}
        same, _, precision = same_rows(best[rest], gone[rest])
        out["by epsilon"][e]["equal numbers"] = {"removed": int(gone[rest].sum()), "same rows": same, "average precision": precision}
    ours = [cosines(x, p) for p in truth.pairs]
    out["order of cosines"] = [spearman(a, b) for a, b in zip(ours, truth.cosines)]
    out["order of cosines"].append(spearman(np.concatenate(ours), np.concatenate(truth.cosines)))
    return out


def embedded(texts, asked, rows):
    """The embeddings of the texts by each of `asked`, (program, name, model); from the folder `rows` if they lie there."""
    kept = rows and rows / f"texts-{zlib.crc32(chr(0).join(texts).encode()):08x}"
    return {name: kept_rows(kept, program, name, model, {"texts": texts})["texts"] for program, name, model in asked}


def compare(found, teacher, texts, epsilons, seed):
    """The agreement of each model in `found` with the one that is called `teacher`."""
    truth = Truth(found[teacher], texts, seed)
    return {name: agreement(x, truth, epsilons, seed) for name, x in found.items() if name != teacher}


def report(found, texts, epsilons):
    """The tables, in Markdown."""
    for e in epsilons:
        of = {name: m["by epsilon"][e] for name, m in found.items()}
        one = next(iter(of.values()))
        print(f"\nOf {len(texts):,} texts the teacher removes {one['removed']:,} at ε {e} ({percent(one['removed'] / len(texts))} %), "
              f"{one['equal numbers']['removed']:,} for a text with the same numbers:\n")
        print("| model | same rows | average precision | model's ε there | equal numbers: same rows | average precision |\n|---|---|---|---|---|---|")
        for name, m in of.items():
            equal = m["equal numbers"]
            print("|", " | ".join([name, percent(m["same rows"]), f"{m['average precision']:.3f}", f"{m['epsilon']:.3f}",
                                   percent(equal["same rows"]), f"{equal['average precision']:.3f}"]), "|")
    print("\n| model | order of cosines: random pairs | near pairs | both |\n|---|---|---|---|")
    for name, m in found.items():
        print("|", " | ".join([name, *(f"{s:.3f}" for s in m["order of cosines"])]), "|")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[BUILT_IN], help="models, as semdedup run takes them; or built-in")
    parser.add_argument("--texts", type=Path, required=True, help="a .jsonl or .jsonl.zst with a column text")
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--sample", type=int, default=20_000)
    parser.add_argument("--longest", type=int, default=1000, help="leave out texts of more characters")
    parser.add_argument("--tokens", type=int, default=256, help="leave out texts of more tokens of the teacher")
    parser.add_argument("--epsilons", type=float, nargs="+", default=[0.1, 0.05], help="the teacher's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--program", default="target/release/semdedup")
    parser.add_argument("--old", help="an older semdedup, whose built-in model goes first")
    parser.add_argument("--rows", type=Path, help="a folder where embeddings stay")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    args = parser.parse_args()
    texts = sampled([r["text"] for r in read_jsonl(args.texts)], args.sample, args.longest, args.seed)
    texts = read_whole(texts, args.teacher, args.tokens)
    asked = [(args.program, model, model) for model in args.models]
    if args.old:
        asked.insert(0, (args.old, "old built-in", BUILT_IN))
    asked.append((args.program, args.teacher, args.teacher))
    found = compare(embedded(texts, asked, args.rows), args.teacher, texts, args.epsilons, args.seed)
    report(found, texts, args.epsilons)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
