"""The peer for deduplication: SemDeDup written with FAISS and numpy, as a user without semdedup would.

    python bench/peer_faiss.py EMBEDDINGS.npy [--limit N] [--k 1000] [--threads 2] [--recall 2000] [--distinct]
    python bench/peer_faiss.py EMBEDDINGS.npy [--limit N] [--k 1000] [--threads 2] --centroids CENTROIDS.npy

Spherical k-means (20 iterations on at most 256 rows a centroid), every row to its nearest centroid, then inside each
cluster all pairs in tiles. The rank order is ascending cosine to the own centroid, ties by row number. A row's score is its
largest cosine with a row of its cluster that ranks before it, zero where there is none; it is removed at eps if the
score is above 1 - eps.

Recall, for `--recall` rows drawn at random: of those for which ANY row of the whole data that ranks before them is above
1 - eps, the share that was removed. `--distinct` first drops every row whose vector was seen before: copies fall into one
cluster whatever the method, so they flatter recall. `--recall 0` leaves recall out, for timing.

`--centroids` stops after training and writes the centroids to a file, for `kmeans.py`.

Prints one JSON object: seconds of each stage, rows kept and recall for each eps.
"""

import argparse
import json
import os
import time

EPSILONS = (0.05, 0.1, 0.2, 0.3)
TILE = 2048
BLOCK = 1 << 16


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("embeddings")
    parser.add_argument("--limit", type=int, help="use only the first N rows")
    parser.add_argument("--k", type=int, default=1000)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--recall", type=int, default=2000, help="rows to sample, 0 for none")
    parser.add_argument("--distinct", action="store_true", help="drop rows whose vector was seen before")
    parser.add_argument("--seed", type=int, default=1234, help="of k-means")
    parser.add_argument("--centroids", help="write the centroids to this file and stop after training")
    return parser.parse_args()


args = parse()
# The libraries read these when they are loaded, so the imports have to come after.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(args.threads)
import faiss  # noqa: E402
import numpy as np  # noqa: E402


def load():
    """The rows at unit length."""
    rows = np.load(args.embeddings, mmap_mode="r")[: args.limit].astype(np.float32)
    if args.distinct:
        whole = rows.view(np.dtype((np.void, rows.shape[1] * 4))).ravel()
        rows = rows[np.sort(np.unique(whole, return_index=True)[1])]
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows


def train(rows):
    kmeans = faiss.Kmeans(
        rows.shape[1], args.k, niter=args.iterations, seed=args.seed, spherical=True, max_points_per_centroid=256
    )
    kmeans.train(rows)
    return kmeans


def assign(rows, kmeans):
    return kmeans.index.search(rows, 1)[1].ravel()


def score(rows, clusters, similarity):
    """The largest cosine of each row with a row of its cluster that ranks before it."""
    order = np.lexsort((np.arange(len(rows)), similarity, clusters))
    borders = np.searchsorted(clusters[order], np.arange(args.k + 1))
    scores = np.zeros(len(rows), dtype=np.float32)
    for members in np.split(order, borders[1:-1]):
        ranked = rows[members]
        for first in range(0, len(members), TILE):
            tile = ranked[first : first + TILE] @ ranked[: first + TILE].T
            # Rows left of the diagonal square all rank before; inside it, what is not below the diagonal does not.
            square = tile[:, first:]
            square[np.triu(np.ones(square.shape, dtype=bool))] = 0
            scores[members[first : first + TILE]] = tile.max(axis=1)
    return scores, int(np.diff(borders).max())


def recall(rows, scores, similarity):
    """Recall for each eps on a sample, and how many sampled rows it rests on."""
    sample = np.random.default_rng(0).choice(len(rows), min(args.recall, len(rows)), replace=False)
    rank = np.empty(len(rows), dtype=np.int64)
    rank[np.lexsort((np.arange(len(rows)), similarity))] = np.arange(len(rows))
    best = np.zeros(len(sample), dtype=np.float32)
    for first in range(0, len(rows), BLOCK):
        cosines = rows[sample] @ rows[first : first + BLOCK].T
        cosines[rank[first : first + BLOCK] >= rank[sample][:, None]] = 0
        np.maximum(best, cosines.max(axis=1), out=best)
    found = {}
    for eps in EPSILONS:
        due = best > 1 - eps
        share = float((scores[sample][due] > 1 - eps).mean()) if due.any() else None
        found[str(eps)] = {"recall": share if share is None else round(share, 4), "of": int(due.sum())}
    return found


def timed(stage, *inputs):
    start = time.monotonic()
    return stage(*inputs), round(time.monotonic() - start, 2)


def main():
    rows, load_s = timed(load)
    kmeans, train_s = timed(train, rows)
    if args.centroids:
        np.save(args.centroids, kmeans.centroids)
        report = {"rows": len(rows), "k": args.k, "iterations": args.iterations, "seed": args.seed}
        print(json.dumps({**report, "seconds": {"load": load_s, "train": train_s}}))
        return
    clusters, assign_s = timed(assign, rows, kmeans)
    similarity = np.einsum("ij,ij->i", rows, kmeans.centroids[clusters])
    (scores, largest), score_s = timed(score, rows, clusters, similarity)
    report = {
        "rows": len(rows),
        "k": args.k,
        "largest_cluster": largest,
        "seconds": {
            "load": load_s,
            "train": train_s,
            "assign": assign_s,
            "score": score_s,
            "total": round(train_s + assign_s + score_s, 2),
        },
        "kept": {str(eps): int((scores <= 1 - eps).sum()) for eps in EPSILONS},
    }
    if args.recall:
        report["recall"] = recall(rows, scores, similarity)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
