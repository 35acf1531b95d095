"""Measures text models on labelled data: STS-B, Bible verses, matched records, languages, probes.

    python bench/text_model/evaluate.py --data DIR --model my-model [--model …] [--part 4] [target/release/semdedup]

The program embeds everything: `built-in` first, and then each --model, as `semdedup run` takes it. DIR has stsb-dev.csv,
bible-verses.jsonl.zst, pairs/, scripts.jsonl.zst, languages.jsonl.zst and win32-paragraphs.jsonl.zst. The threshold of a model is that at
which it removes as many verses of one half as the built-in model does at its default; the other half confirms it.
"""

import argparse
import csv as csv_file
import json
import subprocess
import tempfile
import zlib
from pathlib import Path

import numpy as np

from probes import UNKNOWN, probes, real_numbers
from static import read_jsonl

BUILT_IN = "built-in"
SHARES = (0.18, 0.30, 0.48, 0.62)
EPSILONS = (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2)


def stsb(path):
    return [(a, b, float(score)) for a, b, score in csv_file.reader(open(path, encoding="utf-8"))]


def load(data, part=4):
    """All texts that are embedded, as lists under a name each, and the labels. Of the verses one in `part` is taken, by a hash of the
    verse, so that all translations of a verse are in or out."""
    sets, labels = {}, {}
    pairs = stsb(data / "stsb-dev.csv")
    sets["stsb"], labels["stsb"] = [t for a, b, _ in pairs for t in (a, b)], [s for *_, s in pairs]
    for name in ("dblp-acm", "abt-buy"):
        rows = read_jsonl(data / "pairs" / f"{name}.jsonl.zst")
        sets[name], labels[name] = [t for r in rows for t in (r["a"], r["b"])], [r["same"] for r in rows]
    rows = read_jsonl(data / "bible-verses.jsonl.zst")
    rows = [r for r in rows if zlib.crc32(r["verse"].encode()) % part == 0]
    sets["verses"], labels["verses"] = [r["text"] for r in rows], [r["verse"] for r in rows]
    for name in ("scripts", "languages"):
        rows = read_jsonl(data / f"{name}.jsonl.zst")
        sets[name], labels[name] = [r["text"] for r in rows], [r["lang"] for r in rows]
    rows = read_jsonl(data / "win32-paragraphs.jsonl.zst")[::10]
    sets["win32"] = [r["text"] for r in rows]
    made = probes()
    made["numbers, real"] = real_numbers(sets["win32"] + sets["stsb"])
    sets["probes"], labels["probes"] = [t for ps in made.values() for p in ps for t in p], [n for n, ps in made.items() for _ in ps]
    sets["unknown"] = UNKNOWN
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


def verses(rows, labels, shares=SHARES):
    """(share, threshold, right, found) at equal shares removed; `found` counts representatives of any removed row, as the README."""
    best, of = scores(rows)
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
    return out, best


def removed_by_language(rows, languages, epsilons=EPSILONS):
    """The share of rows removed of each language at each epsilon."""
    languages = np.asarray(languages)
    return {lang: [float((scores(rows[languages == lang])[0] > 1 - e).mean()) for e in epsilons] for lang in dict.fromkeys(languages)}


def fair_threshold(best, old, share_at=0.9):
    """The threshold that removes as many rows of one half as the old model does at its default."""
    half = np.random.default_rng(5).random(len(best)) < 0.5
    shares = {}
    target = (old[half] > share_at).mean()
    threshold = float(np.quantile(best[half], 1 - target))
    shares = float((old[~half] > share_at).mean()), float((best[~half] > threshold).mean())
    return threshold, float(target), shares


def measure(rows, labels, old=None, languages=True):
    """All measures of a model whose embeddings of the sets are `rows`."""
    out = {"stsb": spearman(of_pairs(rows["stsb"]), labels["stsb"])}
    for name in ("dblp-acm", "abt-buy"):
        out[name] = average_precision(of_pairs(rows[name]), labels[name])
    out["verses"], best = verses(rows["verses"], labels["verses"])
    out["win32"] = None
    if old is not None:
        out["fair"] = fair_threshold(best, old)
    threshold = out["fair"][0] if old is not None else 0.9
    out["threshold"] = threshold
    cosines, names = of_pairs(rows["probes"]), np.asarray(labels["probes"])
    out["probes"] = {n: (float((cosines[names == n] > threshold).mean()), float(np.median(cosines[names == n]))) for n in dict.fromkeys(names)}
    if languages:
        out["languages"] = {}
        for name in ("scripts", "languages"):
            out["languages"].update(removed_by_language(rows[name], labels[name], [*EPSILONS, 1 - threshold]))
    u = rows["unknown"] @ rows["unknown"].T
    np.fill_diagonal(u, 0)
    out["unknown_above"] = [(UNKNOWN[i], UNKNOWN[j], round(float(u[i, j]), 3)) for i, j in zip(*np.where(np.triu(u) > threshold))]
    return out, best


def line(name, m):
    v = " ".join(f"{100 * right:.1f}/{100 * found:.1f}" for _, _, right, found in m["verses"])
    print(f"{name}: stsb {m['stsb']:.4f} dblp {m['dblp-acm']:.4f} abt {m['abt-buy']:.4f} | verses {v} | thr {m['threshold']:.4f} fair {m.get('fair')}")
    print("   ", ", ".join(f"{n} {100 * s:.0f}% ({c:.2f})" for n, (s, c) in m["probes"].items()))
    if "languages" in m:
        worst = sorted(m["languages"].items(), key=lambda p: -p[1][-1])
        over = sum(s[-1] > 0.01 for _, s in worst)
        print(f"    languages over 1 %: {over}:", ", ".join(f"{n} {100 * s[-1]:.1f}" for n, s in worst[:12]))
    print("    unknown alike:", m["unknown_above"][:20], flush=True)


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", action="append", default=[], help="a model, as semdedup run takes it")
    parser.add_argument("--part", type=int, default=4, help="one verse in this many is taken")
    parser.add_argument("semdedup", nargs="?", default="target/release/semdedup")
    args = parser.parse_args()
    sets, labels = load(args.data, args.part)
    old = None
    for model in [BUILT_IN, *args.model]:
        rows = by_program(args.semdedup, model, sets)
        line(model, measure(rows, labels, old)[0])
        old = scores(rows["verses"])[0] if old is None else old


if __name__ == "__main__":
    main()
