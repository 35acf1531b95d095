"""The skew set: real rows, and the same rows with a crowd of near-identical ones among them. A .npy file for each.

    python bench/skew.py EMBEDDINGS OUT_DIR [--rows 1000000] [--crowd 300000] [--noise 0.03 0.003] [--seed 0]

EMBEDDINGS is one .npy file, or a folder of shards part-*.npy as make_scale.py writes them; of these the first `--rows` rows
are taken. OUT_DIR/even.npy has them as they are. OUT_DIR/skewed-NOISE.npy has as many, but `--crowd` of them, anywhere in
the file, are replaced: by one real row of the data plus, for each, other noise of the relative length NOISE. At 0.03 two
rows of the crowd have a cosine of about 0.999 (1 / (1 + noise²)), at 0.003 of about 0.99999, which is near to what f32
can tell apart. None is equal to another: this is checked.

So a clustering meets many rows in one place that are no copies, which it cannot drop as such: all of them in one cluster
would take crowd² / 2 comparisons. What the crowd costs is the time for a skewed file beside that for even.npy.

All files have the type of the input, float16 or float32, and are written whole or not at all. The same arguments give the
same bytes. Needs little memory: rows are written in blocks. Prints one JSON object.
"""

import hashlib
import json
import sys

import numpy as np

import generate
from generate import NewFile, blocks


def parse():
    parser = generate.parser(__doc__, rows=1_000_000)
    parser.add_argument("--crowd", type=int, default=300_000, help="rows to replace")
    parser.add_argument("--noise", type=float, nargs="+", default=[0.03, 0.003], help="its length, the row's being 1")
    args = parser.parse_args()
    if not 0 <= args.crowd <= args.rows or args.rows < 1 or not min(args.noise) > 0:
        parser.error("--rows has to be at least 1, --crowd in 0 to --rows, and --noise above 0")
    return args


def read(path, count):
    """The first `count` rows, as pieces of the files in order; nothing is read yet."""
    files = sorted(path.glob("part-*.npy")) if path.is_dir() else [path]
    if not files:
        sys.exit(f"error: {path}: no part-*.npy in this folder")
    pieces, found = [], 0
    for file in files:
        rows = np.load(file, mmap_mode="r")
        kind = (rows.dtype, rows.shape[1:])
        if rows.ndim != 2 or rows.dtype not in (np.float16, np.float32):
            sys.exit(f"error: {file}: {rows.dtype} of shape {rows.shape}, not rows of float16 or float32")
        if pieces and kind != (pieces[0].dtype, pieces[0].shape[1:]):
            sys.exit(f"error: {file}: {rows.dtype} of dimension {rows.shape[1]}, other than the files before it")
        pieces.append(rows[: count - found])
        found += len(pieces[-1])
    if found < count:
        sys.exit(f"error: {path}: {found} rows, fewer than the {count} that --rows asks for")
    return pieces


def write(path, pieces, change):
    """A file of all pieces with `change` made to it, under its name only when it is whole."""
    file = NewFile(path, pieces[0].dtype, (sum(map(len, pieces)), pieces[0].shape[1]))
    start = 0
    for piece in pieces:
        for part in blocks(len(piece)):
            file.rows[start + part.start : start + part.stop] = piece[part]
        start += len(piece)
    change(file.rows)
    file.finish()


def original(random, rows):
    """A random row that has a direction, and its number."""
    for number in random.permutation(len(rows)):
        row = rows[number].astype(np.float32)
        if np.isfinite(row).all() and row.any():
            return int(number), row
    sys.exit("error: no row has a direction")


def crowd(args, noise_length, record):
    """The change that makes a skewed file out of the even one. What was drawn is noted in the record."""

    def change(rows):
        random = np.random.default_rng(args.seed)
        record["original"], row = original(random, rows)
        places = random.choice(len(rows), args.crowd, replace=False)
        length, seen = noise_length * np.linalg.norm(row), set()
        for part in blocks(len(places)):
            noise = random.standard_normal((part.stop - part.start, len(row)), np.float32)
            near = (row + noise * (length / np.linalg.norm(noise, axis=1, keepdims=True))).astype(rows.dtype)
            rows[places[part]] = near
            seen.update(hashlib.blake2b(one.tobytes(), digest_size=16).digest() for one in near)
        if len(seen) < args.crowd:
            sys.exit(f"error: {args.crowd - len(seen)} rows of the crowd are copies; --noise {noise_length} is too little")

    return change


def main():
    args = parse()
    pieces = read(args.embeddings, args.rows)
    args.out.mkdir(parents=True, exist_ok=True)
    record = {"rows": args.rows, "dim": pieces[0].shape[1], "type": str(pieces[0].dtype)}
    record |= {"crowd": args.crowd, "noise": args.noise, "seed": args.seed}
    write(args.out / "even.npy", pieces, lambda rows: None)
    for noise in args.noise:
        write(args.out / f"skewed-{noise}.npy", pieces, crowd(args, noise, record))
    print(json.dumps(record))


if __name__ == "__main__":
    main()
