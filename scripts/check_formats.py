"""Checks that other programs read what semdedup keeps: python scripts/check_formats.py [BINARY].

Needs numpy, pyarrow, polars and duckdb. Runs the program over the fixtures that these wrote, and reads the kept files with them:
every kept row is the row that was there, in order, with its schema and metadata, and kept and removed rows are all rows.
"""

import csv
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "crates/semdedup/tests/data"
BINARY = sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/semdedup"


def arrow(path):
    with pa.OSFile(str(path)) as source:
        start = source.read(6)
        source.seek(0)
        return (pa.ipc.open_file if start == b"ARROW1" else pa.ipc.open_stream)(source).read_all()


def lines(path):
    opened = gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="")
    with opened as rows:
        return [json.loads(row) for row in rows]


def table(path, delimiter):
    with open(path, newline="") as rows:
        return list(csv.DictReader(rows, delimiter=delimiter))


FILES = {
    "snappy_lists.parquet": ["--text-column", "text"],
    "zstd_times.parquet": ["--text-column", "body"],
    "gzip_views.parquet": [],
    "polars.parquet": ["--text-column", "text"],
    "duckdb.parquet": [],
    "pyarrow_lz4.feather": ["--text-column", "text"],
    "pyarrow_zstd.arrow": ["--text-column", "text"],
    "stream.arrow": ["--text-column", "text"],
    "deltas.arrow": [],
    "replaced.arrow": [],
    "polars_zstd.ipc": ["--text-column", "text"],
    "polars_stream.arrow": ["--text-column", "text"],
    "duckdb.json": [],
    "polars.json": ["--text-column", "text"],
    "python_indented.json": [],
    "duckdb.jsonl.gz": [],
    "members.jsonl.gz": [],
    "duckdb.tsv": [],
    "python.tsv": [],
    "polars.csv": [],
}


def read(path):
    name = path.name
    if name.endswith(".parquet"):
        return pq.read_table(path)
    if path.suffix in (".arrow", ".feather", ".ipc"):
        return arrow(path)
    if name.endswith(".json"):
        return json.loads(path.read_text())
    if name.endswith(".jsonl.gz"):
        return lines(path)
    return table(path, "\t" if name.endswith(".tsv") else ",")


def same(kept, whole, rows):
    if not isinstance(whole, list):
        if not kept.schema.equals(whole.schema, check_metadata=True):
            return False
        kept, whole = kept.to_pylist(), whole.to_pylist()
    return kept == [whole[row] for row in rows]


def others(path, count):
    """The same file through polars and DuckDB, where they read it."""
    name = path.name
    if name.endswith(".parquet"):
        assert len(pl.read_parquet(path)) == count, (name, "polars")
        assert duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0] == count, (name, "DuckDB")
    elif name.startswith("polars") and path.suffix in (".ipc", ".arrow"):
        assert len((pl.read_ipc if path.suffix == ".ipc" else pl.read_ipc_stream)(path)) == count, (name, "polars")
    elif ".json" in name or path.suffix in (".csv", ".tsv"):
        reader = "read_json" if ".json" in name else "read_csv"
        assert duckdb.sql(f"SELECT count(*) FROM {reader}('{path}')").fetchall()[0][0] == count, (name, "DuckDB")


def check(name, options, out):
    command = [BINARY, "run", DATA / name, "--out", out, "--keep-rows", "20", *options]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whole, kept = read(DATA / name), read(out / "kept" / name)
    removed = set(pq.read_table(out / "removed.parquet")["row"].to_pylist())
    rows = [row for row in range(len(whole)) if row not in removed]
    assert len(kept) == len(rows) == 20, (name, len(kept), len(rows))
    assert same(kept, whole, rows), name
    others(out / "kept" / name, len(rows))
    print(f"{name}: {len(rows)} of {len(whole)} rows as they were")


for file, options in FILES.items():
    with tempfile.TemporaryDirectory() as folder:
        check(file, options, pathlib.Path(folder) / "out")
