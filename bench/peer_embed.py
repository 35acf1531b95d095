"""The peer for embedding: WordLlama's token table used from Python, as a user without semdedup would.

    python bench/peer_embed.py TEXTS.jsonl EMBEDDINGS.npy [--limit N] [--text-column text]

Tokenises 4,096 texts at a time on all cores (the tokenizers library does that by itself), cuts a text at 512 tokens, adds
no special tokens, takes the mean of the token vectors and scales it to length one; a text without tokens stays zero.
Reads plain or zstd-compressed JSON lines. Prints one JSON object; its seconds count the embedding only, neither the
reading of the texts nor the loading of the model.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pyarrow
import wordllama
from safetensors.numpy import load_file
from tokenizers import Tokenizer

BATCH = 4096
LONGEST = 512


def read_texts(path, column, limit):
    """The texts of the first `limit` lines, or of all."""
    compression = "zstd" if path.endswith(".zst") else None
    with pyarrow.input_stream(path, compression=compression) as stream:
        lines = stream.read().decode("utf-8").split("\n")
    return [json.loads(line)[column] for line in lines if line][:limit]


def load_model():
    """The tokenizer and the token table that lie in the wordllama wheel."""
    folder = Path(wordllama.__file__).parent
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    (vectors,) = load_file(folder / "weights" / "l2_supercat_256.safetensors").values()
    return tokenizer, vectors.astype(np.float32)


def embed(texts, tokenizer, vectors):
    """One unit row a text."""
    rows = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
    for first in range(0, len(texts), BATCH):
        encodings = tokenizer.encode_batch(texts[first : first + BATCH], add_special_tokens=False)
        for offset, encoding in enumerate(encodings):
            if encoding.ids:
                rows[first + offset] = vectors[encoding.ids].mean(axis=0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, 1e-12)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts")
    parser.add_argument("embeddings")
    parser.add_argument("--limit", type=int, help="embed only the first N texts")
    parser.add_argument("--text-column", default="text")
    args = parser.parse_args()
    texts = read_texts(args.texts, args.text_column, args.limit)
    tokenizer, vectors = load_model()
    start = time.monotonic()
    rows = embed(texts, tokenizer, vectors)
    seconds = time.monotonic() - start
    np.save(args.embeddings, rows)
    print(json.dumps({"rows": len(rows), "seconds": round(seconds, 2), "texts_per_second": round(len(rows) / seconds)}))


if __name__ == "__main__":
    main()
