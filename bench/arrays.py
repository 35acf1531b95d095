"""What the scripts do with .npy files without having numpy in their own memory.

A process of its own loads it: on Linux a child's peak memory starts from what its parent held, see `measure.py`.
"""

import hashlib
import json
import subprocess
import sys

SHAPES = "import json, numpy, sys\nopen = lambda path: numpy.load(path, mmap_mode='r')\n" \
         "print(json.dumps([[rows.shape, str(rows.dtype)] for rows in map(open, sys.argv[1:])]))"
FIRST_ROWS = "import numpy, sys\nsource, count, target = sys.argv[1:]\n" \
             "numpy.save(target, numpy.load(source, mmap_mode='r')[: int(count)])"


def python(code, *arguments):
    """What a few lines of numpy print; their error is the benchmark's."""
    run = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)
    return run.stdout if run.returncode == 0 else sys.exit(f"error: {run.stderr.strip().splitlines()[-1]}")


def describe(files):
    """What a reader needs to know that he has the same data. This reads the files, so that they are in the cache."""
    described = []
    for path, (shape, kind) in zip(files, json.loads(python(SHAPES, *files))):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        described.append({"file": path.name, "sha256": digest, "rows": shape[0], "dim": shape[1], "type": kind})
    return described


def first_rows(source, count, target):
    """Copies the first rows of a file."""
    python(FIRST_ROWS, source, count, target)
