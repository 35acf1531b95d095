"""Trainers of centroids beside each other, by what a user gets: recall for a cost of scoring, and seconds of training.

    cargo build --release --locked
    (cd bench/peer_superkmeans && cargo build --release --locked)
    pip install -r bench/requirements.txt
    python bench/kmeans.py EMBEDDINGS.npy [--clusters 1218] [--rounds 3] [--recall-sample 6000] [--curve 0.5,0.7,1.4,2]

semdedup              `semdedup cluster`, as it trains by default
semdedup, refined     the same with `--probes 1`, for which it refines what it trained
SuperKMeans           superkmeans-rs with its defaults (10 rounds at most, stopping earlier, on all rows), but spherical
  sampled             on the sample of the C++ original: 30 % of the rows, at most 256 a centroid
  fast                on as large a sample as semdedup takes, 64 rows a centroid, 3 rounds
  hierarchical        its hierarchical trainer on all rows; its size of a leaf is chosen so that there are about as many
                      clusters, and the tries that this takes are not counted
  hierarchical, fast  the same on 64 rows a centroid
FAISS                 spherical k-means, 20 rounds on 256 rows a centroid, as in peer_faiss.py

What follows is the same for all: assign.py assigns every row exactly, to its own cluster and to those that semdedup
probes by default, and `semdedup score` scores twice, each row in its own cluster alone and in all that it probes. So sides
differ in nothing but their centroids. Comparisons are those of scoring, for each row. More of them buy recall, so semdedup
also trains other numbers of clusters, `--curve` times as many, and the last column has its recall at the comparisons of that
line, interpolated between its numbers of clusters: two trainers at equal cost. Where each row is compared in its own cluster
alone, this is `semdedup, refined`, else `semdedup`, because so it trains for that.

Seconds of training are as each program counts them. Ours include reading the sample and bringing it to unit length; the
peers' start from rows in memory at unit length, SuperKMeans's without drawing the sample. A round has its own seed; seconds
are medians with their range, recall and comparisons are means. Recall is the share that was removed of the sampled rows that
the whole data would remove, at eps 0.05 / 0.1 / 0.2 / 0.3; each run in the record has its interval.

Prints two tables and stores everything in bench/runs/<date>-kmeans.json.
"""

import argparse
import math
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from arrays import describe
from measure import SEMDEDUP_DONE, Paths, binary, machine, measured, store, table

HERE = Path(__file__).resolve().parent
PEER = HERE / "peer_superkmeans"
EPSILONS = (0.05, 0.1, 0.2, 0.3)
OWN, PROBED = "own cluster alone", "default probes"
OURS = {OWN: "semdedup, refined", PROBED: "semdedup"}
CLOSE = 0.03  # how far the hierarchical trainer's number of clusters may be from the one asked for
TRIES = 5


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("embeddings", type=Path, metavar="EMBEDDINGS.npy", help="rows of float32")
    parser.add_argument("--clusters", type=int, default=1_218)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recall-sample", type=int, default=6_000)
    parser.add_argument("--curve", default="0.5,0.7,1.4,2", help="other numbers of clusters, as multiples; may be empty")
    parser.add_argument("--note", default="", help="a remark for the record")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--semdedup", help="the binary to measure; by default target/release/semdedup")
    parser.add_argument("--superkmeans", type=Path, help="by default the release build in bench/peer_superkmeans")
    parser.add_argument("--scratch", type=Path, help="where temporary files go")
    args = parser.parse_args()
    if min(args.clusters, args.rounds, args.recall_sample, args.threads) < 1:
        parser.error("--clusters, --rounds, --recall-sample and --threads have to be at least 1")
    args.curve = [float(factor) for factor in args.curve.split(",") if factor]
    args.embeddings = args.embeddings.resolve()
    args.superkmeans = superkmeans(args.superkmeans)
    return args


def superkmeans(given):
    target = Path(os.environ.get("CARGO_TARGET_DIR", PEER / "target"))
    path = given or target / "release" / "peer_superkmeans"
    if not path.is_file():
        sys.exit(f"error: {path} is not there\nhint: cd bench/peer_superkmeans && cargo build --release --locked")
    return path.resolve()


class Trainers:
    """Every trainer writes `centroids.npy` and returns its number of clusters, its seconds and its processes."""

    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.program = binary(args.semdedup)
        (self.data,) = describe([args.embeddings])
        self.rows, self.k = self.data["rows"], args.clusters
        self.centroids = scratch / "centroids.npy"
        peer = args.superkmeans.parent
        self.paths = Paths(BIN=self.program.parent, PEER=peer, TMP=scratch, DATA=args.embeddings.parent)
        self.leaves = {}

    def semdedup(self, command, *more):
        flags = ["--threads", self.args.threads, "--overwrite", "--json", "--quiet"]
        return measured([self.program, command, self.args.embeddings, *more, *flags], self.paths, SEMDEDUP_DONE)

    def ours(self, seed, clusters, *more):
        out = self.scratch / "ours"
        run = self.semdedup("cluster", "--clusters", clusters, "--seed", seed, "--out", out, *more)
        # A folder without all of its files is none that --overwrite replaces.
        shutil.copyfile(out / "centroids.npy", self.centroids)
        return {"clusters": run["stdout"]["clusters"], "train": run["stdout"]["seconds"]["train"], "processes": [run]}

    def superkmeans(self, seed, *more):
        names = ("RAYON_NUM_THREADS", "MATMUL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        threads = [f"{name}={self.args.threads}" for name in names]
        files = [self.args.embeddings, self.centroids]
        run = measured(["env", *threads, self.args.superkmeans, *files, "--seed", seed, *more], self.paths)
        return {"clusters": run["stdout"]["clusters"], "train": run["stdout"]["seconds"]["train"], "processes": [run]}

    def hierarchical(self, seed, sample):
        """Tries sizes of a leaf until there are about as many clusters as asked for; the first round settles it."""
        sampling = ("--sample", sample)
        if sample in self.leaves:
            return self.superkmeans(seed, "--leaf", self.leaves[sample], *sampling)
        leaf, tried = 2 * sample / self.k, []
        for _ in range(TRIES):
            run = self.superkmeans(seed, "--leaf", max(1, round(leaf)), *sampling)
            ratio = run["clusters"] / self.k
            tried.append((abs(math.log(ratio)), max(1, round(leaf))))
            if abs(ratio - 1) <= CLOSE:
                break
            leaf *= ratio
        self.leaves[sample] = min(tried)[1]
        return self.superkmeans(seed, "--leaf", self.leaves[sample], *sampling)

    def faiss(self, seed):
        command = [sys.executable, HERE / "peer_faiss.py", self.args.embeddings, "--centroids", self.centroids]
        run = measured([*command, "--k", self.k, "--seed", seed, "--threads", self.args.threads], self.paths)
        return {"clusters": self.k, "train": run["stdout"]["seconds"]["train"], "processes": [run]}

    def all(self):
        """What trains, by name, and how the rows are compared with what it trained."""
        both, k, rows = (OWN, PROBED), self.k, self.rows
        original, small = min(rows * 3 // 10, 256 * k), min(rows, 64 * k)
        given = ("--clusters", k)
        jobs = {
            "semdedup": (lambda seed: self.ours(seed, k), both),
            "semdedup, refined": (lambda seed: self.ours(seed, k, "--probes", 1), both),
            "SuperKMeans": (lambda seed: self.superkmeans(seed, *given), both),
            "SuperKMeans, sampled": (lambda seed: self.superkmeans(seed, *given, "--sample", original), both),
            "SuperKMeans, fast": (
                lambda seed: self.superkmeans(seed, *given, "--sample", small, "--iterations", 3), both
            ),
            "SuperKMeans, hierarchical": (lambda seed: self.hierarchical(seed, rows), both),
            "SuperKMeans, hierarchical, fast": (lambda seed: self.hierarchical(seed, small), both),
            "FAISS": (lambda seed: self.faiss(seed), both),
        }
        for count in sorted({max(1, round(k * factor)) for factor in self.args.curve} - {k}):
            jobs[curve(PROBED, count)] = (lambda seed, count=count: self.ours(seed, count), (PROBED,))
            jobs[curve(OWN, count)] = (lambda seed, count=count: self.ours(seed, count, "--probes", 1), (OWN,))
        return jobs

    def judge(self, ways):
        """Recall and comparisons of a row with the centroids at hand."""
        out = self.scratch / "assigned"
        command = [sys.executable, HERE / "assign.py", self.args.embeddings, self.centroids, out]
        assigned = measured([*command, "--threads", self.args.threads], self.paths)
        files = ["--centroids", self.centroids, "--assignments", out / "assignments.npy"]
        more = ["--recall-sample", self.args.recall_sample, "--out", self.scratch / "scores.parquet"]
        judged = {}
        for way in ways:
            probes = ["--probes", out / "probes.npy"] if way == PROBED else []
            run = self.semdedup("score", *files, *probes, *more)
            at = {found["epsilon"]: found for found in run["stdout"]["recall"]}
            judged[way] = {
                "comparisons": run["stdout"]["flops"] / (2 * self.data["dim"] * self.rows),
                "score": run["stdout"]["seconds"]["score"],
                "all": [at[epsilon]["recall"] for epsilon in EPSILONS],
                "distinct": [at[epsilon]["recall_distinct"] for epsilon in EPSILONS],
                "process": run,
            }
        return {"assigned": assigned, "judged": judged}


def curve(way, count):
    return f"{OURS[way]}, {count:,} clusters"


def rounds(trainers, count, runs):
    """Runs every trainer once a round, one after the other, and notes each run as soon as it is there."""
    for seed in range(count):
        for name, (train, ways) in trainers.all().items():
            print(f"round {seed + 1} of {count}: {name}", file=sys.stderr, flush=True)
            trained = train(seed)
            runs.setdefault(name, []).append({**trained, **trainers.judge(ways)})


def middle(runs, way):
    """Of the rounds: medians of seconds, means of the rest."""
    judged = [run["judged"][way] for run in runs]
    means = {
        field: [statistics.mean(values) if None not in values else None for values in zip(*(j[field] for j in judged))]
        for field in ("all", "distinct")
    }
    train = [run["train"] for run in runs]
    return {
        "clusters": round(statistics.mean(run["clusters"] for run in runs)),
        "train": statistics.median(train),
        "train_range": [min(train), max(train)],
        "comparisons": statistics.mean(j["comparisons"] for j in judged),
        "score": statistics.median(j["score"] for j in judged),
        **means,
    }


def at_cost(comparisons, points):
    """Recall on distinct rows at so many comparisons, between two points in their logarithm; none outside of them."""
    points = sorted((point["comparisons"], point["distinct"]) for point in points)
    for (x1, y1), (x2, y2) in zip(points, points[1:]):
        if x1 <= comparisons <= x2:
            weight = math.log(comparisons / x1) / math.log(x2 / x1)
            return [None if None in pair else pair[0] + weight * (pair[1] - pair[0]) for pair in zip(y1, y2)]
    return None


def shown(recall):
    return " / ".join("–" if share is None else f"{share:.3f}" for share in recall) if recall else "–"


def line(name, side):
    low, high = side["train_range"]
    seconds = f"{side['train']:.2f} ({low:.2f} – {high:.2f})"
    recall = [shown(side[field]) for field in ("all", "distinct", "semdedup_at_this_cost")]
    return [name, f"{side['clusters']:,}", seconds, f"{side['comparisons']:,.0f}", *recall]


def report(runs, way):
    """The sides of one way of comparing: what they took and found, and what semdedup finds at the same cost."""
    sides = {name: middle(side, way) for name, side in runs.items() if way in side[0]["judged"]}
    ours = [side for name, side in sides.items() if name == OURS[way] or name.endswith(" clusters")]
    for side in sides.values():
        side["semdedup_at_this_cost"] = at_cost(side["comparisons"], ours)
    head = ["trainer", "clusters", "train s", "comparisons a row", "recall", "of distinct rows", "semdedup's at this cost"]
    return {"sides": sides, "table": table(head, [line(name, side) for name, side in sides.items()])}


def main():
    args = parse()
    with tempfile.TemporaryDirectory(prefix="semdedup-bench-", dir=args.scratch) as temp:
        trainers = Trainers(args, Path(temp).resolve())
        record = {"machine": machine(), "data": trainers.data, "threads": args.threads, "note": args.note, "runs": {}}
        rounds(trainers, args.rounds, record["runs"])
    for way in (OWN, PROBED):
        record[way] = report(record["runs"], way)
        print(f"\n## Each row compared: {way}\n\n{record[way]['table']}")
    print(f"\nstored in {store('kmeans', record)}")


if __name__ == "__main__":
    main()
