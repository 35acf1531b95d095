"""Whether two sides made the same embeddings of the same texts.

    python bench/compare_rows.py PEER.npy OURS.npy [OURS.npy ...]

The files of ours follow each other and have as many rows together as the peer's. Prints one JSON object: the number of
rows, the lowest cosine of all rows with its row number, how many rows lie under 0.9999, and the rows for which there is
no cosine: zero on both sides (texts without a token), and zero or not finite on one side alone.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

BLOCK = 1 << 16
SAME = 0.9999


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", type=Path)
    parser.add_argument("ours", type=Path, nargs="+")
    return parser.parse_args()


def cosines(one, other):
    """The cosine of each pair of rows, NaN where there is none, and which rows have no direction on each side."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    lengths = [np.linalg.norm(side, axis=1) for side in (one, other)]
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.einsum("ij,ij->i", one, other) / (lengths[0] * lengths[1])
    return cosine, [~(np.isfinite(length) & (length > 0)) for length in lengths], [length == 0 for length in lengths]


def main():
    args = parse()
    peer = np.load(args.peer, mmap_mode="r")
    files = [np.load(path, mmap_mode="r") for path in args.ours]
    if sum(map(len, files)) != len(peer):
        sys.exit(f"error: {sum(map(len, files))} rows, but {len(peer)} in {args.peer}")
    report = {"rows": len(peer), "lowest_cosine": None, "at_row": None, "under_0.9999": 0}
    report |= {"zero_on_both_sides": 0, "no_direction_on_one_side": 0}
    start = 0
    for file in files:
        for first in range(0, len(file), BLOCK):
            ours = file[first : first + BLOCK]
            cosine, undirected, zero = cosines(peer[start : start + len(ours)], ours)
            report["zero_on_both_sides"] += int((zero[0] & zero[1]).sum())
            report["no_direction_on_one_side"] += int((undirected[0] ^ undirected[1]).sum())
            report["under_0.9999"] += int((cosine < SAME).sum())
            if not np.isnan(cosine).all():
                lowest = int(np.nanargmin(cosine))
                if report["at_row"] is None or cosine[lowest] < report["lowest_cosine"]:
                    report |= {"lowest_cosine": float(cosine[lowest]), "at_row": start + lowest}
            start += len(ours)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
