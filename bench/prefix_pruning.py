"""What pruning on a prefix of rotated dimensions would save: pairs and panels that are left, and the products that remain.

    cargo build --release --locked
    pip install -r bench/requirements.txt
    python bench/prefix_pruning.py EMBEDDINGS.npy… [--clusters 1000] [--sample 4000] [--seed 0]

SuperKMeans, PDX and ADSampling compare rows on their first dimensions after a rotation, and go on only where a bound from
the lengths of the rest leaves a pair open (Cauchy-Schwarz: <a, b> is at most <a', b'> + |a - a'| |b - b'|). This script
says how much of that is left in semdedup, where rows are compared as 8-bit codes in panels of 32 targets. The rotation is
the best for the purpose: the principal directions of the centroids that `semdedup cluster` trains. Four searches:

nearest  the most similar centroid of a row
auto     what `--probes auto` wants: the most similar centroid, the next, and up to six more within 0.1 of it
score    a row's best match among the rows of its cluster that rank before it
recall   a row's best match among 20,000 other rows

Every search starts from what it would know at its end, so a real one prunes less. `pairs` are the pairs that the exact
bound leaves, `panels` the panels of 32 with such a pair, `codes` the panels that are left if rows, prefixes and rests are
8-bit codes, as their errors have to be added to the bound. The last columns are the time of the products beside today's:
prefixes of all pairs, whole products of the panels that are left, and the rotation, in f32, of which one operation takes as
long as 2.0 (AVX2) or 4.1 (AVX-512 VNNI) operations on codes (bench/runs/2026-12-01-kernels.txt). Below 1 it would pay.

Prints a table for each file, and stores everything in bench/runs/<date>-prefix-pruning.json.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from measure import binary, machine, store, table

PANEL = 32
SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2)
OTHERS = 20_000
PROBES, GAP = 8, 0.1
RATES = {"AVX2": 2.0, "VNNI": 4.1}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("embeddings", type=Path, nargs="+", metavar="EMBEDDINGS.npy")
    parser.add_argument("--clusters", type=int, default=1_000)
    parser.add_argument("--sample", type=int, default=4_000, help="rows to search for")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--semdedup", help="the binary to train with; by default target/release/semdedup")
    return parser.parse_args()


def unit(rows):
    """The different rows that have a direction, scaled to length 1."""
    rows = np.unique(np.asarray(rows, dtype=np.float32), axis=0)
    rows = rows[np.isfinite(rows).all(axis=1)]
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(lengths, 1e-30))[lengths[:, 0] > 0]


class Rows:
    """Rows with their prefixes, the lengths of the rest, and the errors of 8-bit codes of both."""

    def __init__(self, rows, axes):
        self.rows, self.prefix = rows, rows @ axes
        self.rest = np.sqrt(np.maximum(0, 1 - (self.prefix**2).sum(axis=1)))
        # The length of the rest is spread over four values, which keeps the largest value small.
        rest = np.repeat(self.rest[:, None] / 2, 4, axis=1)
        self.error, self.prefix_error = coding_error(rows), coding_error(np.hstack([self.prefix, rest]))

    def chosen(self, which):
        part = object.__new__(Rows)
        for name, values in vars(self).items():
            setattr(part, name, values[which])
        return part


def coding_error(rows):
    steps = np.abs(rows).max(axis=1, keepdims=True) / 127
    return np.linalg.norm(rows - np.round(rows / np.maximum(steps, 1e-30)) * steps, axis=1)


def panels(left):
    """The share of the panels in which something is left."""
    return np.pad(left, ((0, 0), (0, -left.shape[1] % PANEL))).reshape(len(left), -1, PANEL).any(axis=2).mean()


def left(queries, targets, least):
    """The shares of the pairs and panels that are left, given the similarity that a target must reach."""
    bound = queries.prefix @ targets.prefix.T + queries.rest[:, None] * targets.rest
    exact = bound >= least[:, None]
    # Both lengths are one at most, so the error of a product is at most the sum of both errors.
    off = queries.error + targets.error.max() + queries.prefix_error + targets.prefix_error.max()
    return exact.mean(), panels(exact), panels(bound + off[:, None] >= least[:, None])


def wanted_by_auto(similarity):
    top = -np.sort(-np.partition(similarity, -PROBES, axis=1)[:, -PROBES:], axis=1)
    return np.maximum(top[:, -1], np.minimum(top[:, 1], top[:, 0] - GAP))


def searches(queries, centroids, others, own):
    """The name of each search, the shares that are left, and the targets of a query."""
    similarity = queries.rows @ centroids.rows.T
    yield "nearest", left(queries, centroids, similarity.max(axis=1)), len(centroids.rows)
    yield "auto", left(queries, centroids, wanted_by_auto(similarity)), len(centroids.rows)
    shares, sizes = [], []
    for cluster in own:
        order = np.argsort(cluster.rows @ cluster.rows.mean(axis=0))
        half = len(order) // 2
        before, after = cluster.chosen(order[:half]), cluster.chosen(order[half:])
        shares.append(left(after, before, (after.rows @ before.rows.T).max(axis=1)))
        sizes.append(half)
    if sizes:
        yield "score", tuple(np.average(np.array(shares), axis=0, weights=np.square(sizes))), int(np.mean(sizes))
    best = (queries.rows @ others.rows.T).max(axis=1)
    yield "recall", left(queries, others, best), len(others.rows)


def trained(program, file, clusters, folder):
    """The centroids that semdedup trains."""
    command = [str(program), "cluster", str(file), "--out", folder, "--clusters", str(clusters), "--quiet", "--overwrite"]
    subprocess.run(command, check=True)
    return unit_in_order(np.load(f"{folder}/centroids.npy").astype(np.float32))


def unit_in_order(rows):
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)


def measure(program, file, args, folder):
    """The lines of the table of one file."""
    rng = np.random.default_rng(args.seed)
    whole = np.load(file, mmap_mode="r")
    rows = unit(whole[np.sort(rng.choice(len(whole), min(len(whole), 120_000), replace=False))])
    rng.shuffle(rows)
    centroids = trained(program, file, min(args.clusters, len(whole) // 8), folder)
    axes = np.linalg.svd(centroids, full_matrices=False)[2].T
    queries, others = rows[: args.sample], rows[args.sample : args.sample + OTHERS]
    nearest = (rows @ centroids.T).argmax(axis=1)
    lines = []
    for share in SHARES:
        prefix = int(rows.shape[1] * share) // 4 * 4
        of = lambda some: Rows(some, axes[:, :prefix])
        clusters = (rows[nearest == c] for c in range(0, len(centroids), max(1, len(centroids) // 100)))
        own = [of(cluster) for cluster in clusters if len(cluster) >= 2 * PANEL]
        for search, (pairs, panel, codes), targets in searches(of(queries), of(centroids), of(others), own):
            # A row is rotated once for each search; as a target of all queries, once for all of them.
            rotated = {"recall": prefix / args.sample}.get(search, prefix / targets)
            times = {name: share + codes + rotated * rate for name, rate in RATES.items()}
            line = {"dim": rows.shape[1], "search": search, "prefix": prefix, "targets": targets}
            lines.append({**line, "pairs": float(pairs), "panels": float(panel), "codes": float(codes), **times})
    return lines


def main():
    args = parse()
    program, record = binary(args.semdedup), []
    with tempfile.TemporaryDirectory() as folder:
        for file in args.embeddings:
            lines = measure(program, file, args, folder)
            record.append({"file": file.name, "lines": lines})
            print(file.name)
            shown = sorted(lines, key=lambda line: line["search"])
            print(table(list(lines[0]), [[f"{x:.3f}" if isinstance(x, float) else x for x in line.values()] for line in shown]))
    store("prefix-pruning", {"machine": machine(), "arguments": vars(args) | {"embeddings": None, "semdedup": None}, "files": record})


if __name__ == "__main__":
    main()
