"""Distils a table of token vectors from a teacher that embeds sentences.

    python scripts/make_text_model.py --vocab vocab.txt --tokens TOKENS.npy --corpus CORPUS.jsonl.zst --targets TARGETS.npy --out DIR

TOKENS.npy has the teacher's unit embedding of each piece of the vocabulary by itself, TARGETS.npy that of each `text` of the corpus.
DIR gets table.npy (f32), vocab.txt and card.json. The same input and seed give the same table on the same machine.
"""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench" / "text_model"))
from static import Texts, load_reader, read_jsonl  # noqa: E402

NEGATIONS = ("not", "never", "no", "without", "nothing", "none", "nobody", "neither", "nor")
PUT_IN = (("not", 0.7), ("never", 0.15), ("no", 0.15))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("vocab", "tokens", "corpus", "targets", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--without", default="", help="leave out sources that contain this")
    parser.add_argument("--dims", type=int, default=256)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--gram", type=float, default=40.0)
    parser.add_argument("--negatives", type=float, default=2.0)
    parser.add_argument("--tau", type=float, default=0.75)
    parser.add_argument("--word", type=float, default=0.9, help="the length of a hashed word in the units of the first table")
    parser.add_argument("--pieces", type=float, default=0.3)
    parser.add_argument("--sif", type=float, default=1e-3)
    parser.add_argument("--eps", type=float, default=1e-8, help="of Adam; a large one moves rows of rare tokens less")
    parser.add_argument("--pull", type=float, default=0.0, help="how strongly rows are pulled back to where they began")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def neighbours(targets, rng, count=1024, rounds=6):
    """The rows in an order in which k-means clusters of the targets lie together."""
    targets = torch.from_numpy(targets)
    centroids = targets[rng.choice(len(targets), min(count, len(targets)), replace=False)].clone()
    for _ in range(rounds):
        nearest = torch.cat([(part @ centroids.T).argmax(1) for part in targets.split(16384)])
        sums = torch.zeros_like(centroids).index_add_(0, nearest, targets)
        centroids = torch.nn.functional.normalize(torch.where(sums.norm(dim=1, keepdim=True) > 0, sums, centroids))
    shuffled = rng.permutation(len(targets))
    return shuffled[np.argsort(nearest.numpy()[shuffled], kind="stable")]


def first_table(tokens, targets, share, dims, sif):
    """The teacher's embeddings of single tokens, projected; frequent tokens are short. Also the projection."""
    _, vectors = np.linalg.eigh(targets.T.astype(np.float64) @ targets.astype(np.float64))
    projection = vectors[:, ::-1][:, :dims].astype(np.float32)
    projection *= np.sign(projection[np.abs(projection).argmax(0), np.arange(dims)])
    return (tokens - tokens.mean(0)) @ projection * (0.5 * sif / (sif + share))[:, None], projection


def batches(order, rng, steps, batch, run=64):
    """Half of a batch are runs of neighbours, the other half random rows."""
    rows = len(order)
    for _ in range(steps):
        starts = rng.integers(0, max(1, rows - run), batch // 2 // run)
        near = np.concatenate([order[s:s + run] for s in starts])
        yield np.concatenate([near, rng.integers(0, rows, batch - len(near))])


def train(args, texts, targets, tokens, ids):
    rng = np.random.default_rng(args.seed)
    counts = np.asarray(texts.tokens.sum(0)).ravel()
    table, projection = first_table(tokens, targets, counts / counts.sum(), args.dims, args.sif)
    order = neighbours(targets, rng)
    # Rows that no text has get no gradient: Adam would not move them.
    used = np.flatnonzero(counts)
    of_used = np.zeros(len(counts), np.int64)
    of_used[used] = np.arange(len(used))
    rows = torch.nn.Parameter(torch.from_numpy(table[used].astype(np.float32)))
    start = rows.detach().clone()
    head = torch.nn.Parameter(torch.from_numpy(projection.T.copy()))
    groups = [{"params": [rows], "lr": args.rate, "first": args.rate}, {"params": [head], "lr": 1e-3, "first": 1e-3}]
    adam = torch.optim.Adam(groups, betas=(0.9, 0.99), eps=args.eps, fused=True)
    fixed = args.word * (texts.letters + args.pieces * texts.pieces)
    matrix, started = texts.tokens[:, used], time.time()
    negations = [of_used[ids[w]] for w in NEGATIONS if w in ids and counts[ids[w]]]
    put_in = np.array([of_used[ids[w]] for w, _ in PUT_IN])
    chance = [p for _, p in PUT_IN]
    has = np.asarray(matrix[:, negations].sum(1)).ravel() > 0
    for step, at in enumerate(batches(order, rng, args.steps, args.batch)):
        part = matrix[at]
        index, starts = torch.from_numpy(part.indices.astype(np.int64)), torch.from_numpy(part.indptr.astype(np.int64))
        u = torch.nn.functional.embedding_bag(index, rows, starts, mode="sum", include_last_offset=True,
                                              per_sample_weights=torch.from_numpy(part.data))
        u = u + torch.from_numpy(fixed[at])
        o = torch.nn.functional.normalize(u)
        t = torch.from_numpy(targets[at])
        loss = (1 - torch.nn.functional.cosine_similarity(o @ head, t)).mean()
        loss = loss + args.gram * (o @ o.T - t @ t.T).square().mean()
        if args.negatives:
            # A negation is taken out of each text that has one, and put into others.
            chosen = np.concatenate([np.flatnonzero(has[at])[:128], rng.integers(0, len(at), 128)])
            removed = matrix[at[chosen]][:, negations].toarray().astype(np.float32)
            added = (removed.sum(1) == 0)
            word = torch.from_numpy(rng.choice(put_in, len(chosen), p=chance))
            change = -torch.from_numpy(removed) @ rows[negations] + rows[word] * torch.from_numpy(added.astype(np.float32))[:, None]
            other = torch.nn.functional.normalize(u[torch.from_numpy(chosen)] + change)
            near = (o[torch.from_numpy(chosen)] * other).sum(1)
            loss = loss + args.negatives * torch.relu(near - args.tau).square().mean()
        for group in adam.param_groups:
            group["lr"] = group["first"] * (1 - step / args.steps)
        if args.pull:
            loss = loss + args.pull * (rows - start).square().sum() / len(at)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % 100 == 0 or step == args.steps - 1:
            print(step, f"{loss.item():.4f} {time.time() - started:.0f} s", flush=True)
    table[used] = rows.detach().numpy()
    return table.astype(np.float32)


def main():
    args = parse()
    torch.set_num_threads(2)
    reader = load_reader(args.vocab)
    corpus = read_jsonl(args.corpus)
    keep = [i for i, row in enumerate(corpus) if not args.without or args.without not in row.get("source", "")]
    targets = np.load(args.targets, mmap_mode="r")[keep]
    texts = Texts(reader, [corpus[i]["text"] for i in keep], args.dims)
    print(len(keep), "texts", f"unknown {texts.unknown.sum() / texts.words.sum():.3f}", flush=True)
    table = train(args, texts, targets, np.load(args.tokens), reader.ids)
    args.out.mkdir(parents=True, exist_ok=True)
    np.save(args.out / "table.npy", table)
    if args.vocab.resolve() != (args.out / "vocab.txt").resolve():
        shutil.copy(args.vocab, args.out / "vocab.txt")
    card = {"length": args.word, "pieces": args.pieces, "steps": args.steps, "seed": args.seed, "texts": len(keep)}
    (args.out / "card.json").write_text(json.dumps(card) + "\n")
    norms = np.linalg.norm(table, axis=1)
    used = np.asarray(texts.tokens.sum(0)).ravel() > 0
    print("median length", np.median(norms), "of used rows", np.median(norms[used]),
          "of the corpus' tokens", np.average(norms, weights=np.asarray(texts.tokens.sum(0)).ravel()))


if __name__ == "__main__":
    main()
