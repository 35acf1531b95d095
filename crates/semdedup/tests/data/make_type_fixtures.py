"""Writes files with columns of every type, by pyarrow, polars and DuckDB; see README.md."""

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


def times_by_pyarrow():
    """INT96 times at every depth, some of them outside the years that 64 bits of nanoseconds hold; row groups without any, and
    a column with too many values for a dictionary."""
    day = lambda r: datetime.datetime(1 + 200 * r, 1 + r % 12, 29 - r % 20, r % 24, 59, 59, 123456)
    us, ns = pa.timestamp("us"), pa.timestamp("ns")
    columns = {
        "id": pa.array(range(50), pa.int16()),
        "text": pa.array(TEXTS),
        "when": some(day, us),
        "nanos": some(lambda r: r * 10**15 + 1, ns),
        "zone": some(day, pa.timestamp("us", "UTC")),
        "rare": pa.array([day(r) if r < 3 else None for r in range(50)], us),
        "price": some(lambda r: decimal.Decimal(r) / 8, pa.decimal128(12, 3)),
        "log": some(lambda r: {"by": f"u{r}", "at": None if r % 3 == 1 else day(r)}, pa.struct([("by", pa.string()), ("at", us)])),
        "visits": some(lambda r: [day(r), None, day(r // 2)][: r % 4], pa.list_(us)),
        "turns": some(
            lambda r: [{"role": "user", "at": day(r)}, None, {"role": None, "at": None}][: r % 4],
            pa.list_(pa.struct([("role", pa.string()), ("at", us)])),
        ),
        "by_name": some(lambda r: [(f"k{i}", day(r + i) if i else None) for i in range(r % 3)], pa.map_(pa.string(), us)),
    }
    table = pa.table(columns).replace_schema_metadata({"made by": "a test"})
    for name, store in (("pyarrow_int96.parquet", True), ("pyarrow_int96_plain.parquet", False)):
        dictionaries = ["when", "turns.list.element.at"] if store else False
        pq.write_table(
            table,
            name,
            row_group_size=20,
            use_deprecated_int96_timestamps=True,
            store_schema=store,
            use_dictionary=dictionaries,
            data_page_version="1.0" if store else "2.0",
        )


def bytes_by_pyarrow():
    """Texts in columns of bytes: the column that is named for texts, and others."""
    raw = [None if text is None else text.encode() for text in TEXTS]
    table = pa.table({"id": range(50), "text": pa.array(raw, pa.binary()), "n": pa.array(raw, pa.large_binary())})
    pq.write_table(table, "binary_texts.parquet", row_group_size=20)
    raw[12], raw[30] = b"caf\xe9 latin", b"\xff\xfe"
    kinds = {
        "plain": pa.array(raw, pa.binary()),
        "large": pa.array(raw, pa.large_binary()),
        "view": pa.array(raw, pa.binary_view()),
        "words": pa.array(raw, pa.binary()).dictionary_encode(),
        "fixed": pa.array([b"caf\xe9" if i == 12 else b"%04d" % i for i in range(50)], pa.binary(4)),
        "hash": pa.array([bytes([i, 0, 255 - i, 200]) for i in range(50)], pa.binary()),
    }
    for name in ("binary_kinds.parquet", "binary_kinds.arrow"):
        table = pa.table(kinds)
        if name.endswith(".arrow"):
            with pa.ipc.new_file(name, table.schema) as out:
                out.write_table(table, max_chunksize=20)
        else:
            pq.write_table(table, name, row_group_size=20)


def empty_groups_by_pyarrow():
    """Row groups without rows: before, between and behind the others."""
    rows = pa.table({"text": ["one", "two", "three", "four"]})
    with pq.ParquetWriter("empty_groups.parquet", rows.schema) as writer:
        for part in (rows[:0], rows[:2], rows[:0], rows[2:], rows[:0]):
            writer.write_table(part)


def encodings_by_pyarrow():
    """Every encoding but dictionaries, in pages of version 2 with checksums and an index, in LZ4; a column of nulls."""
    columns = {
        "text": pa.array(TEXTS),
        "word": pa.array([text and text.split(" ")[0] for text in TEXTS]),
        "id": pa.array(range(50), pa.int64()),
        "single": pa.array([row / 8 for row in range(50)], pa.float32()),
        "double": pa.array([None if row % 7 == 5 else row / 8 for row in range(50)], pa.float64()),
        "flag": pa.array([row % 3 == 0 for row in range(50)]),
        "fixed": pa.array([bytes([row] * 4) for row in range(50)], pa.binary(4)),
        "none": pa.array([None] * 50, pa.string()),
    }
    pq.write_table(
        pa.table(columns),
        "pyarrow_encodings.parquet",
        row_group_size=20,
        compression="lz4",
        data_page_version="2.0",
        use_dictionary=False,
        column_encoding={
            "text": "DELTA_BYTE_ARRAY",
            "word": "DELTA_LENGTH_BYTE_ARRAY",
            "id": "DELTA_BINARY_PACKED",
            "single": "BYTE_STREAM_SPLIT",
            "double": "BYTE_STREAM_SPLIT",
            "flag": "RLE",
            "fixed": "BYTE_STREAM_SPLIT",
        },
        write_page_index=True,
        write_page_checksum=True,
    )


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


PYARROW = (
    by_pyarrow,
    dates_by_pyarrow,
    times_by_pyarrow,
    bytes_by_pyarrow,
    empty_groups_by_pyarrow,
    encodings_by_pyarrow,
)
for make in (*PYARROW, by_polars, by_duckdb):
    make()
