"""The main job beside its peers: a file of texts in, duplicates out, measured as whole processes on one machine.

    cargo build --release --locked
    pip install -r bench/requirements.txt
    python bench/main_job.py TEXTS.jsonl[.zst] [--rounds 3] [--times 3]

A round is peer_embed.py, then peer_faiss.py on what it wrote, then `semdedup run --json`; the rounds follow
each other, so that a slow minute of the machine meets both sides. Wall time and peak resident memory are those of each
whole process, start-up and reading included. All read the same uncompressed file, on the same number of threads.

What is not equal, to the peers' favour: they write only embeddings and a count, while semdedup also writes the kept texts,
the scores and the list of removed rows, and measures its recall in every run. The peers' recall is measured after the
rounds, outside the time.

A second table has embedding alone, from the same runs. The peer's seconds are tokenising, looking up and averaging, of
texts that are in memory, by a model that is loaded. Ours are those of the stage `embed` of the whole run: the same work, and
reading the file, parsing its lines and writing the embeddings, which overlap with it and cannot be told apart. So the ratio
is a lower bound. A text that comes twice is embedded twice on both sides; ours remembers the pieces of frequent words. The
two models differ, so the rows removed do, too.

`--times N` then runs semdedup once on the file N times over, for its memory. These copies are exact, so this shows how
memory grows with the rows that are read, not with the rows that are different.

Prints the tables and stores everything in bench/runs/<date>-main-job.json.
"""

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import SEMDEDUP_DONE, Paths, binary, json_or_text, machine, measured, store, table

HERE = Path(__file__).resolve().parent


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path, help="JSON lines with a column `text`, plain or zstd-compressed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=1, help="also run semdedup on the file N times over")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--k", type=int, default=1000, help="clusters of the FAISS peer")
    parser.add_argument("--epsilon", default="0.07")
    parser.add_argument("--semdedup", help="the binary to measure; by default target/release/semdedup")
    parser.add_argument("--temp", type=Path, help="where temporary files go; needs about 3 GB for 500,000 texts")
    parser.add_argument("--no-peers", action="store_true", help="measure semdedup alone")
    args = parser.parse_args()
    if args.rounds < 1 or args.times < 1:
        parser.error("--rounds and --times have to be at least 1")
    return args


def unpack(source, target):
    """The texts as plain JSON lines, with a line feed at the end, so that copies can follow each other."""
    if source.suffix == ".zst":
        # In a process of its own: pyarrow would stay in this one's memory.
        code = (
            "import pyarrow, shutil, sys\n"
            "with pyarrow.input_stream(sys.argv[1], compression='zstd') as i, open(sys.argv[2], 'wb') as o:\n"
            "    shutil.copyfileobj(i, o)\n"
        )
        subprocess.run([sys.executable, "-c", code, str(source), str(target)], check=True)
    else:
        shutil.copyfile(source, target)
    with target.open("rb+") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")


def describe(source, plain):
    """What a reader needs to know that he has the same data."""
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with plain.open("rb") as file:
        rows = sum(1 for _ in file)
    return {"file": source.name, "sha256": digest, "rows": rows, "bytes_unpacked": plain.stat().st_size}


class Job:
    """The commands of a round, and the folder that they write to."""

    def __init__(self, args, temp):
        self.args, self.temp = args, temp
        self.program = binary(args.semdedup)
        self.paths = Paths(BIN=self.program.parent, TMP=temp, DATA=args.texts.resolve().parent)
        self.embeddings = temp / "embeddings.npy"

    def embed(self, texts):
        threads = f"RAYON_NUM_THREADS={self.args.threads}"  # where the tokenizers library looks for its number
        return measured(["env", threads, sys.executable, HERE / "peer_embed.py", texts, self.embeddings], self.paths)

    def faiss(self, *more):
        command = [sys.executable, HERE / "peer_faiss.py", self.embeddings, "--k", self.args.k]
        return measured([*command, "--threads", self.args.threads, *more], self.paths)

    def semdedup(self, texts):
        """One run into fresh folders, removed afterwards; its summary is kept."""
        out, work = self.temp / "out", self.temp / "work"
        command = [self.program, "run", texts, "--out", out, "--work", work, "--epsilon", self.args.epsilon]
        run = measured([*command, "--threads", self.args.threads, "--json"], self.paths, SEMDEDUP_DONE)
        run["summary"] = json_or_text(self.paths.hide((out / "summary.json").read_text(encoding="utf-8")))
        run["output_bytes"] = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        shutil.rmtree(out)
        shutil.rmtree(work, ignore_errors=True)
        return run


def rounds(job, plain):
    """All rounds, each tool's runs in a list of their own."""
    runs = {"semdedup": []} if job.args.no_peers else {"peer_embed": [], "peer_faiss": [], "semdedup": []}
    for number in range(job.args.rounds):
        print(f"round {number + 1} of {job.args.rounds}", file=sys.stderr, flush=True)
        if not job.args.no_peers:
            runs["peer_embed"].append(job.embed(plain))
            runs["peer_faiss"].append(job.faiss("--recall", 0))
        runs["semdedup"].append(job.semdedup(plain))
    return runs


def repeated(job, plain):
    """semdedup on the texts many times over, in a file that exists only for this run."""
    print(f"semdedup on the texts {job.args.times} times over", file=sys.stderr, flush=True)
    many = job.temp / f"texts-{job.args.times}-times.jsonl"
    try:
        with many.open("wb") as target:
            for _ in range(job.args.times):
                with plain.open("rb") as source:
                    shutil.copyfileobj(source, target)
        return job.semdedup(many)
    finally:
        many.unlink(missing_ok=True)


def whole(runs):
    """Seconds and peak memory of each side's job; the peers' two processes run one after the other."""
    ours = [(run["seconds"], run["peak_rss_bytes"]) for run in runs["semdedup"]]
    theirs = [
        (embed["seconds"] + faiss["seconds"], max(embed["peak_rss_bytes"], faiss["peak_rss_bytes"]))
        for embed, faiss in zip(runs.get("peer_embed", []), runs.get("peer_faiss", []))
    ]
    return {"peers": theirs, "semdedup": ours} if theirs else {"semdedup": ours}


def report(jobs, extra):
    """The table: the median of the rounds with the range, memory, and how many times as long as semdedup."""
    base = statistics.median(seconds for seconds, _ in jobs["semdedup"])
    lines = []
    for name, runs in jobs.items():
        seconds = [run[0] for run in runs]
        middle = statistics.median(seconds)
        spread = f"{min(seconds):.1f} – {max(seconds):.1f}"
        lines.append([name, f"{middle:.1f}", spread, gigabytes(max(run[1] for run in runs)), f"{middle / base:.1f}×"])
    for name, run in extra.items():
        seconds = run["seconds"]
        lines.append([name, f"{seconds:.1f}", "one run", gigabytes(run["peak_rss_bytes"]), f"{seconds / base:.1f}×"])
    return table(["job", "seconds (median)", "range", "peak memory", "time, semdedup = 1"], lines)


def embedding(runs):
    """The table of embedding alone, and what of it is a figure."""
    rows = runs["peer_embed"][0]["stdout"]["rows"]
    sides = {
        "peer_embed.py, tokenising and averaging": [run["stdout"]["seconds"] for run in runs["peer_embed"]],
        "semdedup, reading and writing included": [run["stdout"]["seconds"]["embed"] for run in runs["semdedup"]],
    }
    peer, ours = sides.values()
    ratios = [theirs / own for theirs, own in zip(peer, ours)]
    ratio = statistics.median(peer) / statistics.median(ours)
    lines = [
        [name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f} – {max(seconds):.2f}",
         f"{rows / statistics.median(seconds):,.0f}"]
        for name, seconds in sides.items()
    ]
    text = "\n\n".join([
        table(["embedding alone", "seconds (median)", "range", "texts a second"], lines),
        f"semdedup embeds at {ratio:.1f} × the rate ({min(ratios):.1f} – {max(ratios):.1f}).",
    ])
    shown = {"ratio": round(ratio, 3), "ratios": [round(one, 3) for one in ratios], "table": text}
    return {"seconds": sides, **shown}


def gigabytes(count):
    return f"{count / 1e9:.2f} GB"


def main():
    args = parse()
    with tempfile.TemporaryDirectory(prefix="semdedup-bench-", dir=args.temp) as temp:
        job = Job(args, Path(temp).resolve())
        plain = job.temp / "texts.jsonl"
        unpack(args.texts, plain)
        record = {"machine": machine(), "data": describe(args.texts, plain), "threads": args.threads}
        record["runs"] = rounds(job, plain)
        if not args.no_peers:
            record["embedding"] = embedding(record["runs"])
            record["peer_recall"] = {"all_rows": job.faiss(), "distinct_rows": job.faiss("--distinct")}
        extra = {f"semdedup, {args.times} × the rows": repeated(job, plain)} if args.times > 1 else {}
        record["repeated"] = extra
    record["table"] = report(whole(record["runs"]), extra)
    print(record["table"])
    if "embedding" in record:
        print(f"\n{record['embedding']['table']}")
    print(f"\nstored in {store('main-job', record)}")


if __name__ == "__main__":
    main()
