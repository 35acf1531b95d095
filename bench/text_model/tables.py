"""The tables of the documentation, from the embeddings that `evaluate.py --rows` kept.

    python bench/text_model/tables.py --data DIR --rows DIR --old NAME --new NAME … --slow NAME [--beside NAME …]

The names are those of the files in --rows, without `.npz`. The models of --new are one model with several seeds: the tables show the
lowest and the highest figure. Probes and languages are counted at the default epsilons (0.1 of --old, 0.07 of --new); of the other models,
at the epsilon that removes as many verses as the first of --new does. --pairs prints the pairs that languages lose, too.
"""

import argparse
from pathlib import Path

import numpy as np

from evaluate import PAIRS, SHARES, average_precision, load, of_pairs, scores, spearman, verses

OLD_EPSILON, NEW_EPSILON = 0.1, 0.07
EPSILONS = (0.03, 0.05, 0.07, 0.1, 0.15, 0.2)


class Model:
    """The embeddings of a model, and what is computed of them once."""

    def __init__(self, path, labels):
        self.rows, self.labels = dict(np.load(path)), labels
        self.best, self.of = scores(self.rows["verses"])
        self.verses = verses(self.best, self.of, labels["verses"])
        self.languages = {}
        for name in ("scripts", "languages"):
            of = np.asarray(labels[name])
            self.languages |= {str(lang): scores(self.rows[name][of == lang]) for lang in dict.fromkeys(of)}

    def lost(self, epsilon):
        """The share of rows that each language loses, the largest first, and that of all rows."""
        gone = {lang: best > 1 - epsilon for lang, (best, _) in self.languages.items()}
        shares = {lang: float(g.mean()) for lang, g in gone.items()}
        return dict(sorted(shares.items(), key=lambda item: -item[1])), float(np.concatenate(list(gone.values())).mean())

    def probes(self, name):
        return of_pairs(self.rows["probes"])[np.asarray(self.labels["probes"]) == name]


def table(heads, lines):
    print("\n|", " | ".join(heads), "|\n|" + "---|" * len(heads))
    for line in lines:
        print("|", " | ".join(line), "|")


def line(name, groups, figures, form):
    """A row of a table: the figures of each group of models, as lowest–highest where they differ."""
    cells = []
    for models in groups:
        ranges = [(form.format(min(f)), form.format(max(f))) for f in zip(*(np.atleast_1d(figures(m)) for m in models))]
        cells.append(" / ".join(low if low == high else f"{low}–{high}" for low, high in ranges))
    return [name, *cells]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--part", type=int, default=4, help="as in evaluate.py")
    parser.add_argument("--old", required=True)
    parser.add_argument("--new", nargs="+", required=True)
    parser.add_argument("--slow", required=True)
    parser.add_argument("--beside", nargs="*", default=[], help="further models")
    parser.add_argument("--pairs", action="store_true")
    args = parser.parse_args()
    sets, labels = load(args.data, args.part)
    old, new, *others = [[Model(args.rows / f"{name}.npz", labels) for name in names]
                         for names in ([args.old], args.new, [args.slow], *([name] for name in args.beside))]
    groups, heads = [old, new, *others], ["old", "new", "MiniLM", *args.beside]
    removed = float((new[0].best > 1 - NEW_EPSILON).mean())
    for models, epsilon in ((old, OLD_EPSILON), (new, NEW_EPSILON), *((m, None) for m in others)):
        for m in models:
            m.epsilon = epsilon or 1 - float(np.quantile(m.best, 1 - removed))

    table(["", *heads], [
        line("STS-B dev, Spearman", groups, lambda m: spearman(of_pairs(m.rows["stsb"]), labels["stsb"]), "{:.4f}"),
        *(line(f"{n}, average precision", groups, lambda m: average_precision(of_pairs(m.rows[n]), labels[n]), "{:.3f}") for n in PAIRS),
        *(line(f"verses, {share:.0%} removed: right / found, %", groups, lambda m: 100 * np.asarray(m.verses[i][2:]), "{:.1f}") for i, share in enumerate(SHARES)),
        *(line(f"ε that removes {share:.0%} of the verses", groups, lambda m: 1 - m.verses[i][1], "{:.3f}") for i, share in enumerate(SHARES)),
    ])
    table(["probes: removed, % (median cosine)", *(f"{h}, ε {models[0].epsilon:.3g}" for h, models in zip(heads, groups))], [
        [n, *(f"{a} ({b})" for a, b in zip(line(n, groups, lambda m: 100 * (m.probes(n) > 1 - m.epsilon).mean(), "{:.0f}")[1:],
                                           line(n, groups, lambda m: np.median(m.probes(n)), "{:.2f}")[1:]))] for n in dict.fromkeys(labels["probes"])])
    table(["ε", *(f"{h}: languages over 1 %, worst, of all rows" for h in heads)], [
        [name, *(" – ".join(dict.fromkeys(lost(m, e or m.epsilon) for m in models)) for models in groups)] for name, e in [*((str(e), e) for e in EPSILONS), ("default", None)]])
    for head, models in zip(heads, groups):
        shares, _ = models[0].lost(models[0].epsilon)
        print(f"\n{head}, ε {models[0].epsilon:.3g}, languages over 1 %:", ", ".join(f"{lang} {100 * s:.1f}" for lang, s in shares.items() if s > 0.01))
    if args.pairs:
        for head, m in (("old", old[0]), ("new", new[0])):
            print_pairs(head, m, sets)


def lost(m, epsilon):
    shares, of_all = m.lost(epsilon)
    worst = next(iter(shares))
    return f"{sum(s > 0.01 for s in shares.values())}, {worst} {100 * shares[worst]:.1f} %, {100 * of_all:.2f} %"


def print_pairs(head, m, sets, most=12):
    """Up to `most` pairs of each language that loses more than 1 %, the nearest first."""
    for lang, share in m.lost(m.epsilon)[0].items():
        if share <= 0.01:
            break
        best, of = m.languages[lang]
        name = "scripts" if lang in m.labels["scripts"] else "languages"
        texts = [t for t, other in zip(sets[name], m.labels[name]) if other == lang]
        gone = sorted(np.flatnonzero(best > 1 - m.epsilon), key=lambda i: -best[i])
        print(f"\n{head}, {lang}: {len(gone)} of {len(best)}")
        for i in gone[:most]:
            print(f"- {best[i]:.3f}: {texts[i]} | {texts[of[i]]}")


if __name__ == "__main__":
    main()
