"""Writes Parquet files with columns of every type, by pyarrow, polars and DuckDB; see README.md."""

import datetime
import decimal

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

TEXTS = [f"row {i}: " + "word " * (i % 7) for i in range(50)]
TEXTS[7] = None
TEXTS[8] = ""
TEXTS[9] = "snow ☃ and\na second line"
START = datetime.datetime(2024, 2, 29, 23, 59, 59, 123456)


def some(value, kind=None):
    """A column with a null in every seventh row."""
    return pa.array([None if row % 7 == 5 else value(row) for row in range(50)], kind)


def table():
    columns = {
        "id": pa.array(range(50), pa.int16()),
        "text": pa.array(TEXTS),
        "kind": some(lambda r: f"kind {r % 3}").dictionary_encode(),
        "number": some(lambda r: r % 5, pa.int64()).dictionary_encode(),
        "lists": some(lambda r: [[1, None], [], None][: r % 4], pa.list_(pa.list_(pa.int16()))),
        "meta": some(lambda r: {"url": f"u{r}", "size": {"w": r, "h": None}, "n": [r]}),
        "objects": some(lambda r: [{"box": [0.5, r], "label": None}] * (r % 3)),
        "map": some(lambda r: [(f"k{i}", i) for i in range(r % 3)], pa.map_(pa.string(), pa.int32())),
        "price": some(lambda r: decimal.Decimal(r) / 8, pa.decimal128(12, 3)),
        "large_price": some(lambda r: decimal.Decimal(r), pa.decimal256(50, 2)),
        "us": some(lambda r: START + datetime.timedelta(seconds=r), pa.timestamp("us", "UTC")),
        "ns": some(lambda r: r * 10**15 + 1, pa.timestamp("ns")),
        "ms": some(lambda r: r, pa.timestamp("ms", "Europe/Berlin")),
        "day": some(lambda r: START.date(), pa.date32()),
        "clock": some(lambda r: r * 10**6, pa.time64("us")),
        "span": some(lambda r: r, pa.duration("us")),
        "raw": some(lambda r: bytes([r, 0, 255]), pa.binary()),
        "fixed": some(lambda r: bytes([r] * 4), pa.binary(4)),
        "array": some(lambda r: [r, 0.5, -1], pa.list_(pa.float32(), 3)),
        "half": some(lambda r: np.float16(r), pa.float16()),
        "u64": some(lambda r: 2**63 + r, pa.uint64()),
        "flag": some(lambda r: r % 2 == 0),
        "none": pa.nulls(50),
    }
    return pa.table(columns)


def dates_by_pyarrow():
    """Dates that Arrow counts in milliseconds, which lie in Parquet as days."""
    columns = {
        "id": pa.array(range(50), pa.int16()),
        "text": pa.array(TEXTS),
        "day": some(lambda r: START.date() + datetime.timedelta(days=r), pa.date64()),
        "days": some(lambda r: [START.date(), None][: r % 3], pa.list_(pa.date64())),
    }
    pq.write_table(pa.table(columns), "pyarrow_dates.parquet")


def by_pyarrow():
    """A codec for some columns of their own, metadata of a field and of the file."""
    fields = [field.with_metadata({"about": "money"}) if field.name == "price" else field for field in table().schema]
    whole = table().cast(pa.schema(fields, metadata={"made by": "a test", "pandas": "{}"}))
    codecs = {"text": "zstd", "kind": "snappy", "price": "gzip", "meta.url": "brotli"}
    pq.write_table(whole, "pyarrow_types.parquet", row_group_size=20, compression=codecs)


def by_polars():
    columns = ["map", "large_price", "half", "number"]
    frame = pl.from_arrow(table().drop_columns(columns)).with_columns(
        pl.col("kind").cast(pl.Enum(["kind 0", "kind 1", "kind 2"])),
        category=pl.col("kind").cast(pl.String).cast(pl.Categorical),
        pair=pl.col("array").cast(pl.Array(pl.Float64, 3)),
        wide=pl.col("id").cast(pl.Decimal(30, 4)),
    )
    frame.write_parquet("polars_types.parquet", row_group_size=20)


def by_duckdb():
    """Row groups of DuckDB are of 2,048 rows at least, so there is one."""
    connection = duckdb.connect()
    connection.register("texts", pa.table({"row": range(50), "text": TEXTS}))
    connection.execute(
        """COPY (SELECT row AS id, text, row::HUGEINT AS huge, row::DECIMAL(18, 4) / 8 AS price, row::DECIMAL(9, 2) AS small,
            [row, NULL] AS list, {'a': row, 'b': [{'c': 'x' || row}]} AS nested, MAP {'k': row} AS map,
            TIMESTAMP '2024-02-29 12:00:00.123456' + INTERVAL (row) SECOND AS us,
            (TIMESTAMP '2024-02-29 12:00:00' + INTERVAL (row) SECOND)::TIMESTAMP_NS AS ns,
            TIMESTAMPTZ '2024-02-29 12:00:00+02' AS tz, DATE '2024-02-29' AS day, TIME '12:00:00.5' AS clock,
            to_months(row::INT) + to_days(2) + to_milliseconds(3) AS span, [to_months(1)] AS spans,
            'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'::UUID AS uuid, 'x'::ENUM ('x', 'y') AS enum, 'ab\\xFF'::BLOB AS raw,
            row::UTINYINT AS tiny, nullif(row % 3, 0) AS gaps, true AS flag, [0.5::FLOAT, row, 1]::FLOAT[3] AS array
            FROM texts ORDER BY row)
        TO 'duckdb_types.parquet' (FORMAT parquet, KV_METADATA {made_by: 'a test'})"""
    )


for make in (by_pyarrow, dates_by_pyarrow, by_polars, by_duckdb):
    make()
