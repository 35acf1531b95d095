"""What the scripts that make data share: their arguments, rows in blocks, and files that are there whole or not at all."""

import argparse
from pathlib import Path

import numpy as np

BLOCK = 16_384  # rows that are computed or copied at once


def parser(doc, rows):
    """The arguments that all of them have; `rows` is the default of `--rows`."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("embeddings", type=Path)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def blocks(count):
    return [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]


class NewFile:
    """Rows of a file at work, mapped; `finish` gives the file its name."""

    def __init__(self, path, kind, shape):
        self.path, self.unfinished = path, path.with_suffix(".tmp")
        self.rows = np.lib.format.open_memmap(self.unfinished, mode="w+", dtype=kind, shape=shape)

    def finish(self):
        self.rows.flush()
        del self.rows
        self.unfinished.replace(self.path)
