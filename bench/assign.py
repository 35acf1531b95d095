"""Assigns rows to centroids exactly, whoever trained these, and writes what `semdedup score` reads.

    python bench/assign.py EMBEDDINGS.npy CENTROIDS.npy OUT_DIR [--threads 2]

OUT_DIR/assignments.npy has the most similar centroid of each row, OUT_DIR/probes.npy the other clusters that the row is
compared in by semdedup's default, `--probes auto`: the next one, and up to six more whose similarity is less than that of
its own by 0.1 or less, but only two more if its own is 0.9975 or more; then -1. A row of zeros goes to cluster 0 and probes none; one with a NaN or an infinity has no
cluster, -1. Every similarity is computed in f32 by FAISS, where semdedup sorts out most centroids by 8-bit estimates.

Prints one JSON object.
"""

import argparse
import json
import os
import time
from pathlib import Path

MOST = 8  # clusters that a row is compared in
GAP = 0.1
CLOSE, MOST_IF_CLOSE = 0.9975, 4
BLOCK = 1 << 16


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("embeddings", type=Path)
    parser.add_argument("centroids", type=Path)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


args = parse()
# The libraries read these when they are loaded, so the imports have to come after.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(args.threads)
import faiss  # noqa: E402
import numpy as np  # noqa: E402


def assign(rows, index):
    """The clusters of some rows, most similar first and -1 where they reach no more."""
    rows = rows.astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    finite, directed = np.isfinite(lengths).ravel(), lengths.ravel() > 0
    rows = np.where(finite[:, None], rows, 0) / np.where(finite & directed, lengths.ravel(), 1)[:, None]
    similarity, clusters = index.search(np.ascontiguousarray(rows), min(MOST, index.ntotal))
    reached = similarity[:, :1] - similarity <= np.float32(GAP)
    reached[similarity[:, 0] >= np.float32(CLOSE), MOST_IF_CLOSE:] = False
    reached[:, :2] = True
    clusters[~reached] = -1
    clusters[~directed | ~finite] = -1
    clusters[~directed & finite, 0] = 0
    return clusters


def main():
    start = time.monotonic()
    rows = np.load(args.embeddings, mmap_mode="r")
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(np.load(args.centroids))
    found = np.full((len(rows), MOST), -1, np.int32)
    for first in range(0, len(rows), BLOCK):
        clusters = assign(rows[first : first + BLOCK], index)
        found[first : first + len(clusters), : clusters.shape[1]] = clusters
    args.out.mkdir(parents=True, exist_ok=True)
    np.save(args.out / "assignments.npy", np.ascontiguousarray(found[:, 0]))
    np.save(args.out / "probes.npy", np.ascontiguousarray(found[:, 1:]))
    sizes = np.bincount(found[found[:, 0] >= 0, 0])
    report = {"rows": len(rows), "clusters": index.ntotal, "largest_cluster": int(sizes.max(initial=0))}
    report["probes_a_row"] = round(float((found[:, 1:] >= 0).sum(axis=1).mean()), 3)
    print(json.dumps({**report, "seconds": round(time.monotonic() - start, 2)}))


if __name__ == "__main__":
    main()
