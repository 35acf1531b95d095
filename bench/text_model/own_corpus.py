"""Makes a model of one half of a set of texts by `semdedup distill`, and measures it on the other half.

    python bench/text_model/own_corpus.py --paragraphs win32-paragraphs.jsonl.zst --teacher MODEL --out DIR [--old PROGRAM] built-in …
    python bench/text_model/own_corpus.py --records DIR --teacher MODEL --out DIR [--old PROGRAM] built-in …

--paragraphs: the halves are pages (the `id` before `#`), by their hash. The corpus is a sample of the distinct paragraphs of the first
half. On a sample of the second half, without any paragraph of the first, `agreement.py` compares all models with the teacher.

--records: a folder with dblp-acm.jsonl.zst and abt-buy.jsonl.zst. Records that are the same go into the same half, by the hash of their
first text. The corpus is the texts of the first half. Average precision is that of the pairs with both records in the second half.

--with adds another corpus to that of the first half. The model and its corpus lie in --out; the teacher's embeddings in --work.
"""

import argparse
import json
import subprocess
import time
import zlib
from pathlib import Path

import agreement
from evaluate import BUILT_IN, PAIRS, average_precision
from static import read_jsonl


def first_half(key):
    return zlib.crc32(b"half " + key.encode()) % 2 == 0


def halves_of_paragraphs(path):
    """The distinct paragraphs of the first half, and those that are only in the second."""
    halves = {True: {}, False: {}}
    for row in read_jsonl(path):
        halves[first_half(row["id"].split("#")[0])][row["text"]] = None
    return list(halves[True]), [t for t in halves[False] if t not in halves[True]]


def halves_of_records(pairs):
    """The texts of the first half, and the pairs with both texts in the second."""
    parent = {}

    def root(text):
        while parent.setdefault(text, text) != text:
            text = parent[text]
        return text

    for pair in pairs:
        a, b = root(pair["a"]), root(pair["b"])
        if pair["same"] == 1:
            parent[max(a, b)] = min(a, b)
    return [t for t in parent if first_half(root(t))], [p for p in pairs if not first_half(root(p["a"])) and not first_half(root(p["b"]))]


def distill(args, corpus):
    """Makes the model in `args.out` of the texts `corpus` and the files `args.others`; returns the seconds that took."""
    args.out.mkdir(parents=True, exist_ok=True)
    source = args.out / "corpus.jsonl"
    source.write_text("".join(json.dumps({"text": t}) + "\n" for t in corpus), encoding="utf-8")
    start = time.monotonic()
    subprocess.run([args.program, "distill", "--teacher", args.teacher, "--corpus", source, *args.others, "--text-column", "text",
                    "--out", args.out / "model", "--work", args.work or args.out / "work", "--overwrite", "--quiet"], check=True)
    return time.monotonic() - start


def of_pairs(x, at, pairs):
    """The average precision of the cosines of labelled pairs."""
    return average_precision((x[[at[p["a"]] for p in pairs]] * x[[at[p["b"]] for p in pairs]]).sum(1), [p["same"] for p in pairs])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[BUILT_IN], help="models to compare with, as semdedup run takes them; or built-in")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--paragraphs", type=Path)
    what.add_argument("--records", type=Path)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="a folder for the teacher's embeddings [default: in --out]")
    parser.add_argument("--with", dest="others", type=Path, action="append", default=[], help="another corpus, with a column text")
    parser.add_argument("--size", type=int, default=60_000, help="paragraphs of the corpus")
    parser.add_argument("--sample", type=int, default=10_000, help="paragraphs that are measured")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--program", default="target/release/semdedup")
    parser.add_argument("--old", help="an older semdedup, whose built-in model goes first")
    parser.add_argument("--rows", type=Path, help="a folder where embeddings of the other models stay")
    args = parser.parse_args()
    own = str(args.out / "model")
    asked = [(args.program, model, model) for model in args.models]
    if args.old:
        asked.insert(0, (args.old, "old built-in", BUILT_IN))

    if args.paragraphs:
        first, second = halves_of_paragraphs(args.paragraphs)
        corpus = agreement.sampled(first, args.size, 10**9, args.seed)
    else:
        of_sets = {n: halves_of_records(read_jsonl(args.records / f"{n}.jsonl.zst")) for n in PAIRS}
        corpus = list(dict.fromkeys(t for texts, _ in of_sets.values() for t in texts))
    seconds = distill(args, corpus)
    print(f"{' and '.join([f'{len(corpus):,} texts', *(p.name for p in args.others)])}: {seconds:.0f} s\n")

    if args.paragraphs:
        texts = agreement.read_whole(agreement.sampled(second, args.sample, 1000, args.seed), args.teacher, 256)
    else:
        pairs = {n: ps for n, (_, ps) in of_sets.items()}
        texts = list(dict.fromkeys(p[side] for ps in pairs.values() for p in ps for side in "ab"))
    asked.append((args.program, args.teacher, args.teacher))
    rows = agreement.embedded(texts, asked, args.rows) | agreement.embedded(texts, [(args.program, own, own)], None)
    if args.paragraphs:
        epsilons = [0.1, 0.05]
        agreement.report(agreement.compare(rows, args.teacher, texts, epsilons, args.seed), texts, epsilons)
    else:
        at = {t: i for i, t in enumerate(texts)}
        print("| model |", " | ".join(f"{n}, {len(ps):,} pairs, {sum(p['same'] for p in ps):,} the same" for n, ps in pairs.items()), "|\n|---|---|---|")
        for name, x in rows.items():
            print("|", " | ".join([name, *(f"{of_pairs(x, at, ps):.3f}" for ps in pairs.values())]), "|")


if __name__ == "__main__":
    main()
