"""The peer in memory: SemHash's self_deduplicate on embeddings that are ready.

    python bench/peer_semhash.py EMBEDDINGS.npy [--rows 100000] [--threshold 0.9]

SemHash holds everything in memory and builds an approximate index, so it is given the first `--rows` rows only. It removes
a row for a close row found by its index, without clusters: rows kept can be compared, scores cannot. Prints one JSON
object.
"""

import argparse
import json
import time

import numpy as np
from semhash import SemHash


class Ready:
    """Stands in for a model: a record is the number of its row."""

    def __init__(self, rows):
        self.rows = rows

    def encode(self, inputs, **_):
        return self.rows[[int(number) for number in inputs]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("embeddings")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--threshold", type=float, default=0.9)
    args = parser.parse_args()
    rows = np.load(args.embeddings, mmap_mode="r")[: args.rows].astype(np.float32)
    names = [str(number) for number in range(len(rows))]
    start = time.monotonic()
    index = SemHash.from_embeddings(embeddings=rows, records=names, model=Ready(rows))
    built = time.monotonic()
    kept = len(index.self_deduplicate(threshold=args.threshold).selected)
    end = time.monotonic()
    seconds = {"index": round(built - start, 2), "deduplicate": round(end - built, 2), "total": round(end - start, 2)}
    print(json.dumps({"rows": len(rows), "threshold": args.threshold, "seconds": seconds, "kept": kept}))


if __name__ == "__main__":
    main()
