"""A data set of any size out of real embeddings, with near-duplicates in it: float16 .npy shards.

    python bench/make_scale.py EMBEDDINGS.npy OUT_DIR [--rows 10000000] [--shard 1000000] [--duplicates 0.3] [--dim DIM]
        [--seed 0]

A row is a random mix of two real rows, plus noise of length 0.25, scaled to length 1. In every shard but the first,
the share `--duplicates` of the rows are near-copies instead: a row of an earlier shard plus noise of length 0.03 to 0.3,
so at a cosine of about 0.96 to 0.9996. What is copied is drawn from a pool, 200,000 rows of each shard and of these the
last million, so that copies lie far from their originals and have copies in turn. `--dim` first reduces the real rows to
their DIM principal directions (of a sample of 50,000 rows, around zero, so that cosines change as little as they can).

The same arguments give the same bytes; another size of shards gives other data. Writes OUT_DIR/part-00000.npy and so
on, each whole or not at all, and prints how many rows there are after each shard. However many rows are made, no more is
in memory than the different rows of EMBEDDINGS.npy, the pool, and a fifth of that for the shard at work: 1.8 GB for
500,000 rows of dimension 256. The file at work is mapped.
"""

import copy
import sys

import numpy as np

import generate
from generate import NewFile, blocks

POOL = 1_000_000
POOL_PER_SHARD = 200_000
SAMPLE = 50_000  # rows that the principal directions are found on


def parse():
    parser = generate.parser(__doc__, rows=10_000_000)
    parser.add_argument("--shard", type=int, default=1_000_000, help="rows of a file")
    parser.add_argument("--duplicates", type=float, default=0.3, help="share of the rows that are near-copies")
    parser.add_argument("--dim", type=int, help="dimension to reduce the rows to (default: that of EMBEDDINGS.npy)")
    args = parser.parse_args()
    if args.shard < 1 or not 0 <= args.duplicates <= 1:
        parser.error("--shard has to be at least 1 and --duplicates in 0 to 1")
    return args


class Pool:
    """The rows that may be copied: the last million of those that were added, counted from the oldest."""

    def __init__(self, dim):
        self.rows = np.empty((POOL, dim), np.float32)  # takes memory only where it is filled
        self.added = 0

    def __len__(self):
        return min(self.added, POOL)

    def add(self, rows):
        self.rows[(self.added + np.arange(len(rows))) % POOL] = rows
        self.added += len(rows)

    def take(self, numbers):
        return self.rows[(self.added - len(self) + numbers) % POOL]


class Shard(NewFile):
    """A file at work: rows go to the file, rounded, and those chosen for the pool are also held, as they are."""

    def __init__(self, path, rows, dim):
        super().__init__(path, np.float16, (rows, dim))

    def choose(self, chosen):
        self.held = np.empty((len(chosen), self.rows.shape[1]), np.float32)
        self.place = np.full(len(self.rows), -1)
        self.place[chosen] = np.arange(len(chosen))

    def put(self, numbers, rows):
        self.rows[numbers] = rows.astype(np.float16)
        place = self.place[numbers]
        self.held[place[place >= 0]] = rows[place >= 0]


def different_rows(path):
    """The rows that are not zero, each once, in ascending order; made in place, so that they are in memory once."""
    rows = np.ascontiguousarray(np.load(path), np.float32)
    rows.view([(f"{column}", np.float32) for column in range(rows.shape[1])]).sort(axis=0)
    kept = 0
    for part in blocks(len(rows)):
        wanted = np.linalg.norm(rows[part], axis=1) > 0
        first = int(part.start == 0)  # no row comes before this one
        wanted[first:] &= (rows[part][first:] != rows[part.start + first - 1 : part.stop - 1]).any(axis=1)
        new = rows[part][wanted]
        rows[kept : kept + len(new)] = new
        kept += len(new)
    if kept == 0:
        sys.exit(f"error: {path}: no row is different from zero")
    return rows[:kept]


def reduced(rows, dim, random):
    """The rows in their `dim` principal directions around zero, those of a sample."""
    sample = rows[random.choice(len(rows), min(len(rows), SAMPLE), replace=False)]
    _, directions = np.linalg.eigh(sample.T @ sample)  # ascending by how much of the rows they hold
    directions = directions[:, : -dim - 1 : -1]
    return np.concatenate([rows[part] @ directions for part in blocks(len(rows))])


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def noise_for_later(random, count, dim):
    """A generator of the next `count` rows of noise, which `random` skips: they are needed after later draws."""
    later = copy.deepcopy(random)
    for part in blocks(count):
        random.standard_normal((part.stop - part.start, dim), np.float32)
    return later


def mixes(random, source, count):
    """Draws what `count` mixes need and returns a function that computes them, block by block."""
    dim = source.shape[1]
    weight = random.beta(0.5, 0.5, (count, 1)).astype(np.float32)
    one, other = random.integers(len(source), size=count), random.integers(len(source), size=count)
    noise = noise_for_later(random, count, dim)

    def compute():
        for part in blocks(count):
            w = weight[part]
            mix = w * source[one[part]] + (1 - w) * source[other[part]]
            yield part, unit(mix + noise.standard_normal(mix.shape, np.float32) * (0.25 / dim**0.5))

    return compute


def near_copies(random, pool, count, share):
    """The same for the near-copies among `count` rows; these take the place of mixes."""
    dim = pool.rows.shape[1]
    replaced = random.choice(count, int(count * share), replace=False)
    length = random.uniform(0.03, 0.3, (len(replaced), 1)).astype(np.float32)
    originals = random.integers(len(pool), size=len(replaced))
    noise = noise_for_later(random, len(replaced), dim)

    def compute():
        for part in blocks(len(replaced)):
            original = pool.take(originals[part])
            drawn = noise.standard_normal(original.shape, np.float32)
            yield replaced[part], unit(original + drawn * (length[part] / dim**0.5))

    return compute


def write_shard(shard, random, source, pool, share):
    """Draws in a fixed order and computes when all is drawn, so that no shard is ever in memory as a whole."""
    count = len(shard.rows)
    stages = [mixes(random, source, count)]
    if len(pool):
        stages.append(near_copies(random, pool, count, share))
    shard.choose(random.choice(count, min(count, POOL_PER_SHARD), replace=False))
    for compute in stages:
        for numbers, rows in compute():
            shard.put(numbers, rows)
    pool.add(shard.held)
    shard.finish()


def main():
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    random, source = np.random.default_rng(args.seed), different_rows(args.embeddings)
    if args.dim is not None:
        if not 1 <= args.dim <= source.shape[1]:
            sys.exit(f"error: --dim has to be in 1 to {source.shape[1]}, the dimension of {args.embeddings}")
        source = reduced(source, args.dim, random)
    dim = source.shape[1]
    pool = Pool(dim)
    for number, start in enumerate(range(0, args.rows, args.shard)):
        count = min(args.shard, args.rows - start)
        write_shard(Shard(args.out / f"part-{number:05d}.npy", count, dim), random, source, pool, args.duplicates)
        print(start + count, flush=True)


if __name__ == "__main__":
    main()
