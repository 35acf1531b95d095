"""The engine's table: embeddings that are ready in, scores out, in five parts, in one run on one machine.

    cargo build --release --locked
    pip install -r bench/requirements.txt
    python bench/engine.py EMBEDDINGS.npy --scale SHARDS_DIR [--only PART]... [--rounds 3] [--scale-rounds 1]

own      EMBEDDINGS by semdedup with its default settings, by semdedup set like the peer (1,000 clusters, each row compared
         in its own alone), and by peer_faiss.py with 1,000 clusters.
semhash  the first 100,000 rows of it by semdedup and by peer_semhash.py.
scale    SHARDS_DIR, a folder part-*.npy of make_scale.py, by semdedup with `--memory 2GiB`.
growth   a hundredth, a tenth and all of these rows: the first rows of every shard, in equal parts. The exponent is
         log(t2 / t1) / log(n2 / n1). A copy's original is rarely in a part, so the parts have fewer duplicates.
skew     the files that skew.py makes of the first 1,000,000 rows in SHARDS_DIR: as they are, and three in ten of
         them replaced by rows that are near-identical, by a cosine of 0.999 and of 0.99999.

A part whose input is not given is skipped, with a line that says so. The sides of a part run in turn, round by round, so
that a slow minute of the machine meets all of them. Every input is read once before, so no side pays for a cold disk.

`together` is train + assign + score, as each program counts them. Ours include reading the rows and bringing them to unit
length, in each stage anew; the peers' do not. SemHash's is its index and its search. `file to result` is the time of whole
processes, start-up included, less that for recall; for FAISS it is loading and its stages, without start-up, as it does not
tell how long recall took. `whole processes` leaves nothing out. Recall and kept are at eps 0.1; recall is measured on 6,000
sampled rows in own and semhash, else on 2,000. What is kept is counted outside every time. FAISS's recall on distinct rows
is from one more run without the copies; SemHash is not asked for its recall. A ratio is that of the medians; in brackets
stand the least and the greatest of the rounds.

Prints tables and stores everything in bench/runs/<date>-engine.json, also what was done before a part failed.
"""

import argparse
import importlib.util
import math
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from arrays import describe, first_rows
from engine_tables import report, share
from measure import SEMDEDUP_DONE, Paths, binary, machine, measured, store

HERE = Path(__file__).resolve().parent
EPSILON = 0.1
EPSILONS = (0.05, 0.1, 0.2, 0.3)
CLUSTERS = 1_000
NO_RECALL = ("--recall-sample", 0)
RECALL = ("--recall-sample", 6_000)
SEMHASH_ROWS = 100_000
SKEW_ROWS = 1_000_000
GROWTH = (100, 10, 1)  # the parts of the rows, one in so many


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("embeddings", type=Path, nargs="?", metavar="EMBEDDINGS.npy", help="for own and semhash")
    parser.add_argument("--scale", type=Path, metavar="DIR", help="shards part-*.npy, for scale, growth and skew")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=", ".join(PARTS) + "; repeatable")
    parser.add_argument("--rounds", type=int, default=3, help="of own, semhash and skew")
    parser.add_argument("--scale-rounds", type=int, default=1, help="of scale and growth")
    parser.add_argument("--own-recall", type=int, default=20_000, help="rows for the recall in own, 0 for times alone")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--semdedup", help="the binary to measure; by default target/release/semdedup")
    parser.add_argument("--scratch", type=Path, help="where temporary files go; for 10 million rows keep 15 GB free")
    args = parser.parse_args()
    if min(args.rounds, args.scale_rounds, args.threads) < 1:
        parser.error("--rounds, --scale-rounds and --threads have to be at least 1")
    # Whole paths, so that a record has the names of the folders instead.
    args.embeddings, args.scale = (path and path.resolve() for path in (args.embeddings, args.scale))
    return args


class Engine:
    """The programs that are measured, what they read, and the folder that they write to."""

    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.program = binary(args.semdedup)
        named = {"BIN": self.program.parent, "TMP": scratch}
        self.data = {}
        if args.embeddings:
            named["DATA"] = args.embeddings.parent
            self.data["embeddings"] = describe([args.embeddings])
        if args.scale:
            named["SCALE"] = args.scale
            self.shards = sorted(args.scale.glob("part-*.npy"))
            if not self.shards:
                sys.exit(f"error: {args.scale}: no part-*.npy in this folder\nhint: bench/make_scale.py makes them")
            self.data["scale"] = describe(self.shards)
        self.paths = Paths(**named)

    def semdedup(self, *command):
        more = ["--threads", self.args.threads, "--json", "--quiet"]
        return measured([self.program, *command, *more], self.paths, SEMDEDUP_DONE)

    def ours(self, embeddings, clustering=(), scoring=()):
        """`cluster` and `score` into a fresh folder, and `select` for the number of rows kept, outside the time."""
        out = self.scratch / "out"
        cluster = self.semdedup("cluster", embeddings, "--out", out, *clustering)
        files = ["--centroids", out / "centroids.npy", "--assignments", out / "assignments.npy"]
        if (out / "probes.npy").exists():
            files += ["--probes", out / "probes.npy"]
        score = self.semdedup("score", embeddings, *files, "--out", out / "scores.parquet", *scoring)
        select = self.semdedup("select", out / "scores.parquet", "--epsilon", EPSILON, "--out", out / "selected")
        shutil.rmtree(out)
        stages = {**cluster["stdout"]["seconds"], **score["stdout"]["seconds"]}
        recalls = {at["epsilon"]: at for at in score["stdout"]["recall"]}
        at = recalls.get(EPSILON)
        return {
            **{stage: stages[stage] for stage in ("train", "assign", "score")},
            "together": stages["train"] + stages["assign"] + stages["score"],
            "file_to_result": cluster["seconds"] + score["seconds"] - stages.get("recall", 0),
            "whole_processes": cluster["seconds"] + score["seconds"],
            "peak_rss_bytes": [cluster["peak_rss_bytes"], score["peak_rss_bytes"]],
            "recall": at and {
                "all": share(at, ""),
                "distinct": share(at, "_distinct"),
                "each": " / ".join(f"{recalls[epsilon]['recall']:.4f}" for epsilon in EPSILONS),
            },
            "kept": select["stdout"]["rows_kept"],
            "processes": [cluster, score, select],
        }

    def faiss(self, embeddings, recall, *more):
        command = [sys.executable, HERE / "peer_faiss.py", embeddings, "--k", CLUSTERS, "--recall", recall]
        run = measured([*command, "--threads", self.args.threads, *more], self.paths)
        stages = run["stdout"]["seconds"]
        recalls = run["stdout"].get("recall", {})
        at = recalls.get(str(EPSILON))
        return {
            **{stage: stages[stage] for stage in ("train", "assign", "score")},
            "together": stages["total"],
            "file_to_result": stages["load"] + stages["total"],
            "whole_processes": run["seconds"],
            "peak_rss_bytes": [run["peak_rss_bytes"]],
            "recall": at and {
                "all": f"{at['recall']} of {at['of']}",
                "each": " / ".join(f"{recalls[str(epsilon)]['recall']:.4f}" for epsilon in EPSILONS),
            },
            "kept": run["stdout"]["kept"][str(EPSILON)],
            "processes": [run],
        }

    def semhash(self, embeddings):
        command = [sys.executable, HERE / "peer_semhash.py", embeddings, "--rows", SEMHASH_ROWS]
        run = measured([*command, "--threshold", 1 - EPSILON], self.paths)
        return {
            "together": run["stdout"]["seconds"]["total"],
            "file_to_result": run["seconds"],
            "whole_processes": run["seconds"],
            "peak_rss_bytes": [run["peak_rss_bytes"]],
            "kept": run["stdout"]["kept"],
            "processes": [run],
        }


def in_turn(part, jobs, rounds):
    """Runs every job once a round and notes each run in the part as soon as it is there."""
    part["runs"] = {name: [] for name in jobs}
    for number in range(rounds):
        for name, job in jobs.items():
            say(f"  round {number + 1} of {rounds}: {name}")
            part["runs"][name].append(job())


def say(line):
    print(line, file=sys.stderr, flush=True)


def own(engine, part):
    rows = engine.args.embeddings
    paper = ("--probes", 1, "--clusters", CLUSTERS)
    sides = {
        "semdedup": lambda recall: engine.ours(rows, scoring=("--recall-sample", recall)),
        f"semdedup, {CLUSTERS} clusters, own alone": lambda recall: engine.ours(rows, paper, ("--recall-sample", recall)),
        f"FAISS, {CLUSTERS} clusters": lambda recall: engine.faiss(rows, recall),
    }
    in_turn(part, {name: lambda side=side: side(0) for name, side in sides.items()}, engine.args.rounds)
    sample = engine.args.own_recall
    if sample == 0:
        return
    part["recall"] = {}
    for name, side in sides.items():
        say(f"  recall, outside the rounds: {name}")
        part["recall"][name] = side(sample)
    say("  the recall of FAISS on distinct rows")
    part["faiss_distinct"] = engine.faiss(rows, sample, "--distinct")
    *_, faiss = part["recall"].values()
    faiss["recall"]["distinct"] = part["faiss_distinct"]["recall"]["all"]
    for name, runs in part["runs"].items():
        for run in runs:
            run["recall"] = part["recall"][name]["recall"]


def semhash(engine, part):
    first = engine.scratch / "first.npy"
    first_rows(engine.args.embeddings, SEMHASH_ROWS, first)
    jobs = {
        "semdedup": lambda: engine.ours(first, scoring=NO_RECALL),
        "SemHash": lambda: engine.semhash(first),
    }
    in_turn(part, jobs, engine.args.rounds)
    say("  the recall of semdedup, outside the rounds")
    part["recall"] = engine.ours(first, scoring=RECALL)
    for run in part["runs"]["semdedup"]:
        run["recall"] = part["recall"]["recall"]
    first.unlink()


def scale(engine, part):
    memory = ("--memory", "2GiB")
    scoring = (*memory, "--recall-sample", 2_000)
    in_turn(part, {"semdedup, 2 GiB": lambda: engine.ours(engine.args.scale, memory, scoring)}, engine.args.scale_rounds)


def growth(engine, part):
    inputs = {}
    for one_in in GROWTH:
        folder = engine.args.scale if one_in == 1 else engine.scratch / f"one-in-{one_in}"
        taken = [shard["rows"] // one_in for shard in engine.data["scale"]]
        if one_in > 1:
            folder.mkdir()
            for shard, count in zip(engine.shards, taken):
                first_rows(shard, count, folder / shard.name)
        inputs[sum(taken)] = folder
    jobs = {f"{rows:,} rows": lambda folder=folder: engine.ours(folder) for rows, folder in inputs.items()}
    in_turn(part, jobs, engine.args.scale_rounds)
    together = [statistics.median(run["together"] for run in runs) for runs in part["runs"].values()]
    points = list(zip(inputs, together))
    part["exponents"] = {
        f"{n1:,} to {n2:,} rows": round(math.log(t2 / t1) / math.log(n2 / n1), 3)
        for (n1, t1), (n2, t2) in zip(points, points[1:])
    }
    for folder in inputs.values():
        if folder != engine.args.scale:
            shutil.rmtree(folder)


def skew(engine, part):
    rows = min(SKEW_ROWS, sum(shard["rows"] for shard in engine.data["scale"]))
    folder = engine.scratch / "skew"
    command = [sys.executable, HERE / "skew.py", engine.args.scale, folder, "--rows", rows, "--crowd", rows * 3 // 10]
    part["made"], part["to_first"] = measured(command, engine.paths), True
    names = {"even": "even.npy", "cosine 0.999": "skewed-0.03.npy", "cosine 0.99999": "skewed-0.003.npy"}
    jobs = {name: lambda file=file: engine.ours(folder / file) for name, file in names.items()}
    in_turn(part, jobs, engine.args.rounds)
    shutil.rmtree(folder)


# What measures the part, which argument it reads, and the Python package of its peer.
PARTS = {
    "own": (own, "embeddings", "faiss"),
    "semhash": (semhash, "embeddings", "semhash"),
    "scale": (scale, "scale", None),
    "growth": (growth, "scale", None),
    "skew": (skew, "scale", "numpy"),
}


def chosen(args):
    """The parts to run: asked for, their input given and their peer installed, known before the first minute is spent."""
    parts = []
    for name, (_, given, package) in PARTS.items():
        if args.only and name not in args.only:
            continue
        if getattr(args, given) is None:
            say(f"{name}: skipped, {'EMBEDDINGS.npy' if given == 'embeddings' else '--scale DIR'} is not given")
            continue
        if package and importlib.util.find_spec(package) is None:
            sys.exit(f"error: {name} needs the Python package {package}\nhint: pip install -r bench/requirements.txt")
        parts.append(name)
    return parts or sys.exit("error: no part to run\nhint: give EMBEDDINGS.npy, --scale DIR, or both")


def main():
    args = parse()
    names = chosen(args)
    if args.scratch:
        args.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="semdedup-bench-", dir=args.scratch) as temp:
        engine = Engine(args, Path(temp).resolve())
        record = {"machine": machine(), "data": engine.data, "threads": args.threads, "parts": {}}
        try:
            for name in names:
                say(name)
                part = record["parts"][name] = {}
                PARTS[name][0](engine, part)
                report(part)
                print(f"\n## {name}\n\n{part['table']}", flush=True)
        except BaseException as stop:
            record["stopped"] = engine.paths.hide(f"{name}: {stop!r}")
            raise
        finally:
            if any(any(part.get("runs", {}).values()) for part in record["parts"].values()):
                print(f"\nstored in {store('engine', record)}")


if __name__ == "__main__":
    main()
