"""Writes the files of this folder; see README.md."""

import bz2
import csv
import datetime
import decimal
import gzip
import json
import lzma

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

TEXTS = [f"row {i}: " + "word " * (i % 7) for i in range(50)]
TEXTS[7] = None
TEXTS[8] = ""
TEXTS[9] = "snow ☃ and\na second line"


def snappy_lists():
    table = pa.table(
        {
            "id": pa.array(range(100, 150), pa.int64()),
            "text": pa.array(TEXTS).dictionary_encode(),
            "tags": pa.array([[f"t{j}" for j in range(i % 4)] if i % 5 else None for i in range(50)]),
            "meta": pa.array([{"url": f"u{i}", "n": [i, None]} if i % 6 else None for i in range(50)]),
        }
    )
    table = table.replace_schema_metadata({"made by": "a test", "empty": ""})
    pq.write_table(table, "snappy_lists.parquet", compression="snappy", row_group_size=20)


def embeddings():
    """Lists of numbers in every form, with rows that have none. Row i of those that do is (i, i / 2, -i)."""
    rows = [None if i % 10 == 3 else [i, i / 2, -i] for i in range(50)]
    columns = {
        "list": pa.list_(pa.float32()),
        "large": pa.large_list(pa.float64()),
        "fixed": pa.list_(pa.float32(), 3),
        "half": pa.list_(pa.float16(), 3),
    }
    halves = [row and [np.float16(x) for x in row] for row in rows]
    table = pa.table({name: pa.array(halves if name == "half" else rows, kind) for name, kind in columns.items()})
    pq.write_table(table, "embeddings.parquet", row_group_size=20)


def zstd_times():
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    table = pa.table(
        {
            "when": pa.array([start + datetime.timedelta(seconds=i) for i in range(50)], pa.timestamp("us", "UTC")),
            "price": pa.array([decimal.Decimal(i) / 4 for i in range(50)], pa.decimal128(10, 2)),
            "small": pa.array([decimal.Decimal(i) for i in range(50)], pa.decimal128(5, 0)),
            "day": pa.array([start.date()] * 50, pa.date32()),
            "raw": pa.array([bytes([i, 255]) for i in range(50)], pa.binary(2)),
            "body": pa.array(TEXTS, pa.large_string()),
        }
    )
    pq.write_table(table, "zstd_times.parquet", compression="zstd", row_group_size=30, store_decimal_as_integer=True)


def plain_foreign():
    """As programs write that know nothing of Arrow: no stored schema, 96-bit timestamps, data pages of version 2."""
    table = pa.table(
        {
            "text": pa.array(TEXTS, pa.string()),
            "id": pa.array([f"doc-{i}" for i in range(50)]),
            "when": pa.array([datetime.datetime(2020, 1, 1)] * 50, pa.timestamp("ns")),
        }
    )
    pq.write_table(
        table,
        "plain_foreign.parquet",
        compression="none",
        store_schema=False,
        use_deprecated_int96_timestamps=True,
        data_page_version="2.0",
        use_dictionary=False,
    )


def gzip_views():
    table = pa.table({"text": pa.array(TEXTS, pa.string_view()), "id": pa.array(range(50), pa.uint32())})
    pq.write_table(table, "gzip_views.parquet", compression="gzip", row_group_size=16)


def no_rows():
    schema = pa.schema([("text", pa.string()), ("id", pa.int32())], {"made by": "a test"})
    pq.write_table(schema.empty_table(), "no_rows.parquet", compression="brotli")


def int96_far():
    times = [datetime.datetime(2020, 1, 1), None, datetime.datetime(9999, 12, 31)]
    table = pa.table({"text": ["a", "b", "c"], "when": pa.array(times, pa.timestamp("us"))})
    pq.write_table(table, "int96_far.parquet", use_deprecated_int96_timestamps=True, store_schema=False)


def lists(kind):
    """Row i of those that have one is (i, i / 2, -i)."""
    rows = [None if i % 10 == 3 else [i, i / 2, -i] for i in range(50)]
    if pa.types.is_float16(kind.value_type):
        rows = [row and [np.float16(x) for x in row] for row in rows]
    return pa.array(rows, kind)


def arrow_table():
    """What Arrow can hold and others often cannot: everything here must come out as it went in."""
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    words = pa.array([f"w{i % 7}" for i in range(100)]).dictionary_encode()
    columns = {
        "id": pa.array([f"doc-{i}" for i in range(50)]),
        "text": pa.array(TEXTS).dictionary_encode(),
        "meta": pa.array([{"url": f"u{i}", "n": [i, None]} if i % 6 else None for i in range(50)]),
        "words": pa.ListArray.from_arrays(pa.array(range(0, 102, 2), pa.int32()), words),
        "when": pa.array([start + datetime.timedelta(seconds=i) for i in range(50)], pa.timestamp("us", "UTC")),
        "price": pa.array([decimal.Decimal(i) / 4 for i in range(50)], pa.decimal128(10, 2)),
        "map": pa.array([[("k", i)] for i in range(50)], pa.map_(pa.string(), pa.int32())),
        "view": pa.array([f"a view of more than twelve bytes {i}" for i in range(50)], pa.string_view()),
        "raw": pa.array([bytes([i, 255]) for i in range(50)], pa.binary(2)),
        "list": lists(pa.list_(pa.float32())),
        "large": lists(pa.large_list(pa.float64())),
        "fixed": lists(pa.list_(pa.float32(), 3)),
        "half": lists(pa.list_(pa.float16(), 3)),
    }
    fields = [pa.field(name, column.type, metadata={"of": name}) for name, column in columns.items()]
    return pa.table(list(columns.values()), pa.schema(fields, {"made by": "a test", "empty": ""}))


def arrow_files():
    table = arrow_table()
    feather.write_feather(table, "pyarrow_lz4.feather", compression="lz4", chunksize=20)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file("pyarrow_zstd.arrow", table.schema, options=options, metadata={"footer": "kept"}) as out:
        out.write_table(table, max_chunksize=16)
    with pa.ipc.new_file("no_rows.arrow", table.schema) as out:
        pass
    feather.write_feather(table.select(["id"]), "version_1.feather", version=1)


def arrow_streams():
    """As Hugging Face datasets writes: a stream, not compressed. Then one whose dictionary grows, and one that changes it."""
    table = arrow_table()
    with pa.ipc.new_stream("stream.arrow", table.schema) as out:
        out.write_table(table, max_chunksize=20)
    for name, deltas in (("deltas.arrow", True), ("replaced.arrow", False)):
        parts = [TEXTS[:10], TEXTS[:20], TEXTS[20:]] if not deltas else [TEXTS[:10], TEXTS[:30], TEXTS]
        schema = pa.schema([("id", pa.int64()), ("text", pa.dictionary(pa.int32(), pa.string()))])
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
        with pa.ipc.new_stream(name, schema, options=options) as out:
            done = 0
            words = []
            for part in parts:
                words = list(dict.fromkeys((words if deltas else []) + [text for text in part if text is not None]))
                rows = part[done:] if deltas else part
                codes = [None if text is None else words.index(text) for text in rows]
                dictionary = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words))
                ids = pa.array(range(len(rows)), pa.int64())
                out.write_batch(pa.record_batch([ids, dictionary], schema=schema))
                done += len(rows)


def frame():
    return pl.DataFrame(
        {
            "id": list(range(50)),
            "text": TEXTS,
            "kind": pl.Series([f"k{i % 3}" for i in range(50)], dtype=pl.Categorical),
            "meta": [{"url": f"u{i}", "n": [i, None]} if i % 6 else None for i in range(50)],
            "vector": [None if i % 10 == 3 else [float(i), i / 2, -float(i)] for i in range(50)],
            "when": [datetime.datetime(2024, 1, 1, second=i) for i in range(50)],
        }
    )


def polars_files():
    frame().write_ipc("polars_zstd.ipc", compression="zstd", record_batch_size=20)
    frame().with_columns(pl.col("vector").list.to_array(3)).write_ipc_stream("polars_stream.arrow", compression="lz4")
    frame().write_parquet("polars.parquet", compression="zstd", row_group_size=20)
    frame().drop("when").write_json("polars.json")
    frame().select("id", "text").write_csv("polars.csv")


def duckdb_files():
    table = pa.table({"id": pa.array(range(50), pa.int64()), "text": TEXTS, "meta": arrow_table()["meta"]})
    duckdb.register("t", table)
    duckdb.sql("COPY t TO 'duckdb.parquet' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    duckdb.sql("COPY t TO 'duckdb.json' (FORMAT json, ARRAY true)")
    duckdb.sql("COPY t TO 'duckdb.jsonl.gz' (FORMAT json)")
    duckdb.sql("COPY (SELECT id, text FROM t) TO 'duckdb.tsv' (FORMAT csv, DELIMITER '\\t', HEADER)")


def python_files():
    rows = [{"id": i, "text": text} for i, text in enumerate(TEXTS)]
    with open("python_indented.json", "w") as out:
        json.dump(rows, out, indent=2)
    open("members.jsonl.gz", "w").close()
    for first in range(0, 50, 10):
        with gzip.GzipFile("members.jsonl.gz", "ab", mtime=0) as out:
            for row in rows[first : first + 10]:
                out.write(json.dumps(row).encode() + b"\n")
    lines = gzip.open("members.jsonl.gz").read().splitlines(keepends=True)
    with open("streams.jsonl.bz2", "wb") as out:
        for first in range(0, 50, 10):
            out.write(bz2.compress(b"".join(lines[first : first + 10])))
    with open("streams.jsonl.xz", "wb") as out:
        for first in range(0, 50, 25):
            out.write(lzma.compress(b"".join(lines[first : first + 25])))
    with open("python.tsv", "w", newline="") as out:
        csv.writer(out, delimiter="\t").writerows([["id", "text"], *([i, text or ""] for i, text in enumerate(TEXTS))])


for make in (snappy_lists, embeddings, zstd_times, plain_foreign, gzip_views, no_rows, int96_far, arrow_files, arrow_streams, polars_files, duckdb_files, python_files):
    make()
