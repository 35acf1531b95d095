"""Measures text models on labelled data: STS-B, Bible verses, matched records, languages, probes.

    python bench/text_model/evaluate.py --data DIR [--program semdedup] [--old PROGRAM] [--rows DIR] built-in my-model …

The program embeds everything by each model, as `semdedup run --model` takes it; `built-in` is the one inside. --old is an older
program, whose built-in model goes first. DIR has stsb-dev.csv, bible-verses.jsonl.zst, pairs/, scripts.jsonl.zst,
languages.jsonl.zst and win32-paragraphs.jsonl.zst. --rows keeps the embeddings, for the next call with the same model.

Prints two tables of each model. In the first, models are compared at equal shares of removed verses. The second shows what every epsilon
does. Verses are in one of two halves by their hash: EPSILON IS CHOSEN ON THE FIRST HALF ALONE (`choose`), the second confirms it.
"""

import argparse
import csv as csv_file
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

from probes import probes, real_numbers
from static import read_jsonl

BUILT_IN = "built-in"
PAIRS = ("dblp-acm", "abt-buy")
EXACT = ("numbers", "dates", "numbers, real")
SHARES = (0.18, 0.30, 0.48, 0.62)
EPSILONS = (0.01, 0.03, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.15, 0.2)


def stsb(path):
    return [(a, b, float(score)) for a, b, score in csv_file.reader(open(path, encoding="utf-8"))]


def load(data, part=4):
    """All texts that are embedded, as lists under a name each, and the labels. Of the verses one in `part` is taken, by a hash of the
    verse, so that all translations of a verse are in or out."""
    sets, labels = {}, {}
    pairs = stsb(data / "stsb-dev.csv")
    sets["stsb"], labels["stsb"] = [t for a, b, _ in pairs for t in (a, b)], [s for *_, s in pairs]
    for name in PAIRS:
        rows = read_jsonl(data / "pairs" / f"{name}.jsonl.zst")
        sets[name], labels[name] = [t for r in rows for t in (r["a"], r["b"])], [r["same"] for r in rows]
    rows = read_jsonl(data / "bible-verses.jsonl.zst")
    rows = [r for r in rows if zlib.crc32(r["verse"].encode()) % part == 0]
    sets["verses"], labels["verses"] = [r["text"] for r in rows], [r["verse"] for r in rows]
    for name in ("scripts", "languages"):
        rows = read_jsonl(data / f"{name}.jsonl.zst")
        sets[name], labels[name] = [r["text"] for r in rows], [r["lang"] for r in rows]
    rows = read_jsonl(data / "win32-paragraphs.jsonl.zst")[::10]
    made = probes()
    made["numbers, real"] = real_numbers([r["text"] for r in rows] + sets["stsb"])
    sets["probes"], labels["probes"] = [t for ps in made.values() for p in ps for t in p], [n for n, ps in made.items() for _ in ps]
    return sets, labels


def spearman(a, b):
    from scipy.stats import spearmanr
    return float(spearmanr(a, b).statistic)


def of_pairs(rows):
    """The cosine of rows 0 and 1, 2 and 3, …"""
    return (rows[0::2] * rows[1::2]).sum(1)


def average_precision(scores, same):
    order = np.argsort(-np.asarray(scores), kind="stable")
    hits = np.asarray(same)[order] == 1
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def scores(rows, seed=0, block=1024):
    """Of each row, in a random order, the highest cosine with an earlier row and which row that is: exact."""
    order = np.random.default_rng(seed).permutation(len(rows))
    x = np.ascontiguousarray(rows[order])
    best, of = np.full(len(x), -1, np.float32), np.zeros(len(x), np.int64)
    for at in range(0, len(x), block):
        end = min(at + block, len(x))
        cosines = x[at:end] @ x[:end].T
        cosines[:, at:end][~np.tri(end - at, k=-1, dtype=bool)] = -1
        if at == 0:
            cosines[0, 0] = -1
        of[at:end] = cosines.argmax(1)
        best[at:end] = cosines.max(1)
    out, which = np.empty_like(best), np.empty_like(of)
    out[order], which[order] = best, order[of]
    return out, which


def verses(best, of, labels, shares=SHARES):
    """(share, threshold, right, found) at equal shares removed, by [`scores`]; `found` counts representatives too, as the README does."""
    labels = np.unique(np.asarray(labels), return_inverse=True)[1]
    sibling = np.bincount(labels)[labels] > 1
    out = []
    for share in shares:
        threshold = np.quantile(best, 1 - share)
        gone = best > threshold
        right = gone & (labels == labels[of])
        shown = gone.copy()
        shown[of[right]] = True
        out.append((share, float(threshold), float(right.sum() / gone.sum()), float(shown[sibling].mean())))
    return out


def removed_by_language(rows, languages, epsilons=EPSILONS):
    """The share of rows removed of each language at each epsilon."""
    languages = np.asarray(languages)
    best = {lang: scores(rows[languages == lang])[0] for lang in dict.fromkeys(languages)}
    return {lang: {e: float((best > 1 - e).mean()) for e in epsilons} for lang, best in best.items()}


def choose(curve, probes, least=0.95, most=0.05):
    """The largest epsilon at which at least `least` of the removed verses of the first half are right, and at most `most` of the probes in
    which only a number or a date differs are removed; in steps of EPSILONS."""
    fits = [e for e, (first, _) in curve.items() if first[1] >= least and all(probes[n][e] <= most for n in EXACT)]
    return max(fits, default=None)


def by_epsilon(best, of, labels):
    """For each epsilon and each half of the verses: (share removed, right, found)."""
    labels = np.asarray(labels)
    first = np.asarray([zlib.crc32(b"half " + verse.encode()) % 2 == 0 for verse in labels])
    ids = np.unique(labels, return_inverse=True)[1]
    sibling = np.bincount(ids)[ids] > 1
    out = {}
    for e in EPSILONS:
        gone = best > 1 - e
        right = gone & (ids == ids[of])
        shown = gone.copy()
        shown[of[right]] = True
        out[e] = [(float(gone[h].mean()), float(right[h].sum() / max(1, gone[h].sum())), float(shown[h & sibling].mean())) for h in (first, ~first)]
    return out


def of_matches(cosines, same):
    """For each epsilon: precision and recall of `cosine > 1 - epsilon` on labelled pairs."""
    same = np.asarray(same) == 1
    found = {e: cosines > 1 - e for e in EPSILONS}
    return {e: (float(same[f].mean()) if f.any() else 1.0, float(f[same].mean())) for e, f in found.items()}


def measure(rows, labels):
    """All measures of a model whose embeddings of the sets are `rows`."""
    out = {"stsb": spearman(of_pairs(rows["stsb"]), labels["stsb"])}
    for name in PAIRS:
        cosines = of_pairs(rows[name])
        out[name], out[name + " by epsilon"] = average_precision(cosines, labels[name]), of_matches(cosines, labels[name])
    best, of = scores(rows["verses"])
    out["verses"] = verses(best, of, labels["verses"])
    out["verses by epsilon"] = by_epsilon(best, of, labels["verses"])
    cosines, names = of_pairs(rows["probes"]), np.asarray(labels["probes"])
    out["probes"] = {n: {e: float((cosines[names == n] > 1 - e).mean()) for e in EPSILONS} for n in dict.fromkeys(names)}
    out["median of probes"] = {n: float(np.median(cosines[names == n])) for n in out["probes"]}
    out["languages"] = {}
    for name in ("scripts", "languages"):
        out["languages"].update(removed_by_language(rows[name], labels[name]))
    out["chosen"] = choose(out["verses by epsilon"], out["probes"])
    return out


def percent(*shares):
    return "/".join(f"{100 * share:.1f}" for share in shares)


def report(name, m):
    """The two tables of a model, in Markdown."""
    print(f"\n## {name}\n")
    print(f"STS-B dev {m['stsb']:.4f}; average precision DBLP-ACM {m['dblp-acm']:.4f}, Abt-Buy {m['abt-buy']:.4f}; verses, right/found at",
          ", ".join(f"{share} (cosine {t:.3f}) {percent(right, found)}" for share, t, right, found in m["verses"]))
    print("median cosine of probes:", ", ".join(f"{n} {c:.2f}" for n, c in m["median of probes"].items()))
    print(f"epsilon chosen on the first half: {m['chosen']}\n")
    head = ["epsilon", "verses removed", "right, two halves", "found", *(f"{n}, precision/recall" for n in PAIRS), "languages over 1 %, worst", *m["probes"]]
    print("|", " | ".join(head), "|")
    print("|" + "---|" * len(head))
    for e in EPSILONS:
        halves = m["verses by epsilon"][e]
        worst = max(m["languages"], key=lambda lang: m["languages"][lang][e])
        print("|", " | ".join([
            str(e), *(percent(*(half[i] for half in halves)) for i in range(3)), *(percent(*m[n + " by epsilon"][e]) for n in PAIRS),
            f"{sum(shares[e] > 0.01 for shares in m['languages'].values())}, {worst} {percent(m['languages'][worst][e])}",
            *(percent(shares[e]) for shares in m["probes"].values())]), "|")
    sys.stdout.flush()


def by_program(program, model, sets):
    """The embeddings that the program makes of the sets."""
    rows, named = {}, [] if model == BUILT_IN else ["--model", model]
    with tempfile.TemporaryDirectory() as temp:
        for name, texts in sets.items():
            source, out = Path(temp) / f"{name}.jsonl", Path(temp) / name
            source.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts), encoding="utf-8")
            subprocess.run([program, "embed", source, "--out", out, "--text-column", "text", "--quiet", *named], check=True)
            files = sorted((out / "embed").glob("*.npy"))
            x = np.concatenate([np.load(f) for f in files]).astype(np.float32)
            assert len(x) == len(texts), (name, len(x), len(texts))
            norm = np.linalg.norm(x, axis=1, keepdims=True)
            rows[name] = x / np.where(norm > 0, norm, 1)
    return rows


def kept_rows(folder, program, name, model, sets):
    """The embeddings of [`by_program`], from `folder` if they lie there."""
    if folder is None:
        return by_program(program, model, sets)
    path = folder / f"{name.replace('/', '_')}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, **by_program(program, model, sets))
    return dict(np.load(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[BUILT_IN], help="models, as semdedup run takes them; or built-in")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", type=int, default=4, help="one verse in this many is taken")
    parser.add_argument("--program", default="target/release/semdedup")
    parser.add_argument("--old", help="an older semdedup, whose built-in model goes first")
    parser.add_argument("--rows", type=Path, help="a folder where embeddings stay")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    args = parser.parse_args()
    sets, labels = load(args.data, args.part)
    asked = [(args.program, model, model) for model in args.models]
    if args.old:
        asked.insert(0, (args.old, "old built-in", BUILT_IN))
    found = {}
    for program, name, model in asked:
        found[name] = measure(kept_rows(args.rows, program, name, model, sets), labels)
        report(name, found[name])
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
