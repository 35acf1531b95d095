"""The text model in numpy: texts compiled to sparse matrices once, embedded with any table and any weights."""

import json
import subprocess

import numpy as np
import scipy.sparse as sp

from reader import neighbour_features, number_features, order_features, signs


def read_jsonl(path):
    """The rows of a .jsonl or .jsonl.zst."""
    command = ["zstd", "-dc", str(path)] if str(path).endswith(".zst") else ["cat", str(path)]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def csr(rows, width):
    """A sparse matrix from a list of rows of (column, value)."""
    starts = np.cumsum([0] + [len(row) for row in rows])
    columns = np.fromiter((c for row in rows for c, _ in row), np.int64, starts[-1])
    values = np.fromiter((v for row in rows for _, v in row), np.float32, starts[-1])
    return sp.csr_matrix((values, columns, starts), shape=(len(rows), width))


def drawn(rows, dims):
    """The sums of hashed features, one row for each list of (hash, length); the vectors have unit length."""
    index = {}
    sparse = csr([[(index.setdefault(h, len(index)), length) for h, length in row] for row in rows], 0)
    sparse = sp.csr_matrix((sparse.data, sparse.indices, sparse.indptr), shape=(len(rows), len(index)))
    hashes = np.fromiter(index, np.uint64, len(index))
    out = np.zeros((len(rows), dims), np.float32)
    for at in range(0, len(hashes), 1 << 17):
        out += sparse[:, at:at + (1 << 17)] @ (signs(hashes[at:at + (1 << 17)], dims).astype(np.float32) / dims**0.5)
    return out


class Texts:
    """What a reader read of texts, as matrices: everything but the table's values and the weights."""

    def __init__(self, reader, texts, dims=256):
        index, words, rows, exact, neighbours = {}, [], [], [], []
        for text in texts:
            found, items = reader.read(text)
            row = []
            for word in found:
                at = index.setdefault(id(word), len(words))
                if at == len(words):
                    words.append(word)
                row.append((at, 1.0))
            rows.append(row)
            exact.append(items)
            neighbours.append(neighbour_features(found))
        of_words = csr(rows, max(1, len(words)))
        of_words.sum_duplicates()
        vocabulary = csr([[(t, 1.0) for t in word.tokens] for word in words], len(reader.ids))
        self.tokens = (of_words @ vocabulary).tocsr()
        self.letters = of_words @ drawn([word.letters for word in words], dims)
        self.pieces = of_words @ drawn([word.pieces for word in words], dims)
        self.items = exact
        self.exact = drawn([number_features(items) for items in exact], dims)
        self.order = drawn([order_features(items) for items in exact], dims)
        self.neighbours = drawn(neighbours, dims)
        self.words = of_words @ np.array([word.words for word in words] or [0], np.float32)
        self.unknown = of_words @ np.array([word.unknown for word in words] or [0], np.float32)
        self.numbers = np.array([len(set(items)) for items in exact], np.float32)

    def __len__(self):
        return len(self.items)


DEFAULT = {"word": 1.0, "pieces": 0.3, "number": 5.0, "order": 1.0, "neighbours": 0.7, "one": 0.4, "cap": 1.1}


def embed(table, texts, weights, length):
    """Unit embeddings. `length` is that of a typical row of the table; the weights are relative to it."""
    w = {**DEFAULT, **weights}
    dims = table.shape[1]
    out = texts.tokens @ table
    out += np.float32(w["word"] * length) * (texts.letters + np.float32(w["pieces"]) * texts.pieces)
    exact = np.float32(w["number"] * length) * (texts.exact + np.float32(w["order"]) * texts.order
                                                   + np.float32(w["neighbours"]) * texts.neighbours)
    have = np.linalg.norm(exact, axis=1)
    share = np.minimum(w["cap"], w["one"] * np.sqrt(texts.numbers))
    most = share * np.linalg.norm(out, axis=1) * np.maximum(1, texts.numbers / np.maximum(texts.words, 1))
    most[texts.words == 0] = np.inf
    out += exact * np.minimum(1, most / np.maximum(have, 1e-9))[:, None].astype(np.float32)
    norm = np.linalg.norm(out, axis=1, keepdims=True)
    return (out / np.where(norm > 0, norm, 1)).astype(np.float32)
