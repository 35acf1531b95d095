"""Writes the Parquet files of this folder; see README.md."""

import datetime
import decimal

import numpy as np
import pyarrow as pa
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


for make in (snappy_lists, embeddings, zstd_times, plain_foreign, gzip_views, no_rows, int96_far):
    make()
