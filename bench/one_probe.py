"""The recall of one probe: clusters of semdedup and of FAISS, as many, measured on the same sampled rows.

    cargo build --release --locked
    pip install -r bench/requirements.txt
    python bench/one_probe.py EMBEDDINGS.npy [--clusters 1000] [--seeds 6] [--recall-sample 60000]

For each seed peer_faiss.py trains centroids and assign.py finds the exact cluster of every row; `semdedup cluster --probes 1`
does both. `semdedup score` then compares the rows of each cluster and measures the recall, for both sides on the same sample:
two samples of 20,000 rows differ by more than the two sides do. Times are not compared here, see engine.py.

Prints the mean of the seeds and the standard deviation of one, and stores everything in bench/runs/<date>-one-probe.json.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from arrays import describe
from measure import SEMDEDUP_DONE, Paths, binary, machine, measured, store, table

HERE = Path(__file__).resolve().parent
EPSILONS = (0.05, 0.1, 0.2, 0.3)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("embeddings", type=Path, metavar="EMBEDDINGS.npy")
    parser.add_argument("--clusters", type=int, default=1_000)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--recall-sample", type=int, default=60_000)
    parser.add_argument("--semdedup", help="the binary to measure; by default target/release/semdedup")
    args = parser.parse_args()
    if min(args.clusters, args.recall_sample) < 1 or args.seeds < 2:
        parser.error("--clusters and --recall-sample have to be at least 1, --seeds at least 2")
    return args


class OneProbe:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.program = binary(args.semdedup)
        self.paths = Paths(BIN=self.program.parent, DATA=args.embeddings.resolve().parent, TMP=folder)

    def semdedup(self, *command):
        return measured([self.program, *command, "--json", "--quiet"], self.paths, SEMDEDUP_DONE)

    def ours(self, seed):
        clusters = ("--probes", 1, "--clusters", self.args.clusters, "--seed", seed)
        return [self.semdedup("cluster", self.args.embeddings, *clusters, "--out", self.folder, "--overwrite")]

    def faiss(self, seed):
        centroids = self.folder / "centroids.npy"
        train = [HERE / "peer_faiss.py", self.args.embeddings, "--k", self.args.clusters, "--seed", seed, "--recall", 0]
        commands = [[*train, "--centroids", centroids], [HERE / "assign.py", self.args.embeddings, centroids, self.folder]]
        return [measured([sys.executable, *command], self.paths) for command in commands]

    def recall(self, side, seed):
        """The recall of a side at each epsilon, and the processes behind it."""
        processes = side(seed)
        files = [self.folder / name for name in ("centroids.npy", "assignments.npy", "scores.parquet")]
        options = ("--centroids", files[0], "--assignments", files[1], "--out", files[2], "--overwrite")
        score = self.semdedup("score", self.args.embeddings, *options, "--recall-sample", self.args.recall_sample)
        at = {at["epsilon"]: at["recall"] for at in score["stdout"]["recall"]}
        return {"seed": seed, "recall": [at[epsilon] for epsilon in EPSILONS], "processes": [*processes, score]}


def line(name, runs):
    columns = list(zip(*(run["recall"] for run in runs)))
    return [name, *(f"{statistics.mean(column):.4f} ± {statistics.stdev(column):.4f}" for column in columns)]


def main():
    args = parse()
    with tempfile.TemporaryDirectory(prefix="semdedup-bench-") as temp:
        one = OneProbe(args, Path(temp).resolve())
        sides = {"semdedup": one.ours, "FAISS": one.faiss}
        runs = {name: [one.recall(side, seed) for seed in range(args.seeds)] for name, side in sides.items()}
    print(table(["recall at", *map(str, EPSILONS)], [line(name, side) for name, side in runs.items()]))
    record = {"machine": machine(), "data": describe([args.embeddings]), "epsilons": EPSILONS, "runs": runs}
    print(f"\nstored in {store('one-probe', record)}")


if __name__ == "__main__":
    main()
