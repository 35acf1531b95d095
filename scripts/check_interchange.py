"""Checks that files go both ways between semdedup and the programs that people use: Parquet by pyarrow, fastparquet, polars, DuckDB and Spark,
.npy by numpy, compressed JSONL and CSV by Python and pandas. What they write is deduplicated, and what semdedup wrote is
read by all of them and compared with what they had, value by value.

    python -m venv venv && venv/bin/pip install pyarrow polars duckdb numpy pandas pyspark fastparquet    # which needs Java 17
    cargo build --release && venv/bin/python scripts/check_interchange.py [target/release/semdedup]
"""

import csv
import datetime
import decimal
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["POLARS_IMPORT_INTERVAL_AS_STRUCT"] = "1"  # or it does not read intervals at all

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

SEMDEDUP = str(Path(sys.argv[1] if len(sys.argv) > 1 else "target/release/semdedup").resolve())
ROWS = 400
WORDS = "river stone market engine letter winter garden copper signal bridge paper window doctor island".split()
ADDED = ["score", "duplicate_of", "cluster", "kept"]


def texts():
    """Distinct sentences, of which every fourth comes twice."""
    made = []
    for row in range(ROWS):
        if row % 4 == 3:
            made.append(made[-1])
        else:
            digest = hashlib.sha256(str(row).encode()).digest()
            made.append(" ".join(WORDS[byte % len(WORDS)] for byte in digest[:16]) + f" {row}")
    return made


TEXTS = texts()
UIDS = [hashlib.md5(str(row).encode()).hexdigest() for row in range(ROWS)]


def arrow_table():
    """A column of every type that Parquet files of this field have, nulls among the values."""
    start = datetime.datetime(2024, 2, 29, 23, 59, 59, 123456)
    some = lambda make: [None if row % 7 == 5 else make(row) for row in range(ROWS)]
    columns = {
        "uid": pa.array(UIDS),
        "text": pa.array(TEXTS),
        "kind": pa.array(some(lambda r: f"kind {r % 3}")).dictionary_encode(),
        "number kind": pa.array(some(lambda r: r % 5), pa.int64()).dictionary_encode(),
        "tags": pa.array(some(lambda r: [f"t{i}" for i in range(r % 4)])),
        "deep": pa.array(some(lambda r: [[1, None], [], None][: r % 4]), pa.list_(pa.list_(pa.int16()))),
        "meta": pa.array(some(lambda r: {"url": f"u{r}", "size": {"w": r, "h": None}, "n": [r]})),
        "objects": pa.array(some(lambda r: [{"box": [0.5, r], "label": None}] * (r % 3))),
        "map": pa.array(some(lambda r: [(f"k{i}", i) for i in range(r % 3)]), pa.map_(pa.string(), pa.int32())),
        "price": pa.array(some(lambda r: decimal.Decimal(r) / 8), pa.decimal128(12, 3)),
        "large price": pa.array(some(lambda r: decimal.Decimal(r)), pa.decimal256(50, 2)),
        "us utc": pa.array(some(lambda r: start + datetime.timedelta(seconds=r)), pa.timestamp("us", "UTC")),
        "ns": pa.array(some(lambda r: r * 10**15 + 1), pa.timestamp("ns")),
        "ms": pa.array(some(lambda r: r), pa.timestamp("ms", "Europe/Berlin")),
        "day": pa.array(some(lambda r: start.date()), pa.date32()),
        "time": pa.array(some(lambda r: r * 10**6), pa.time64("us")),
        "span": pa.array(some(lambda r: r), pa.duration("us")),
        "raw": pa.array(some(lambda r: bytes([r % 256, 0, 255])), pa.binary()),
        "fixed": pa.array(some(lambda r: bytes([r % 256] * 4)), pa.binary(4)),
        "large": pa.array(some(lambda r: f"l{r}"), pa.large_string()),
        "view": pa.array(some(lambda r: f"a longer string than twelve {r}"), pa.string_view()),
        "embedding": pa.array(some(lambda r: [r, 0.5, -1]), pa.list_(pa.float32(), 3)),
        "half": pa.array(some(lambda r: np.float16(r)), pa.float16()),
        "u8": pa.array(some(lambda r: r % 256), pa.uint8()),
        "u64": pa.array(some(lambda r: 2**63 + r), pa.uint64()),
        "flag": pa.array(some(lambda r: r % 2 == 0)),
        "none": pa.nulls(ROWS),
    }
    table = pa.table(columns)
    fields = [field.with_metadata({"about": field.name}) if field.name == "price" else field for field in table.schema]
    return table.cast(pa.schema(fields, metadata={"made by": "pyarrow", "huggingface": '{"info": {}}'}))


def by_pyarrow(path):
    pq.write_table(
        arrow_table(),
        path,
        row_group_size=150,
        compression={"text": "gzip", "uid": "none", "price": "zstd"} | {"flag": "snappy"},
        use_dictionary=["kind", "text"],
        write_page_index=True,
    )


def by_pyarrow_old(path):
    table = arrow_table().drop_columns(["view", "half", "large price", "none"])
    pq.write_table(table, path, version="1.0", use_deprecated_int96_timestamps=True, store_schema=False)


def by_pandas(path):
    frame = pd.DataFrame({"uid": UIDS, "text": TEXTS, "n": range(ROWS), "at": pd.Timestamp("2024-01-01", tz="UTC")})
    frame["kind"] = pd.Categorical([f"k{row % 3}" for row in range(ROWS)])
    frame.set_index(pd.Index([f"i{row}" for row in range(ROWS)], name="key")).to_parquet(path)


def by_fastparquet(path):
    """As fastparquet 2026.9 writes nulls and lists, some of them empty, as JSON."""
    import fastparquet

    tags = [None if row % 11 == 3 else [f"tag {row % 4}"] * (row % 3) for row in range(ROWS)]
    frame = pd.DataFrame({"uid": UIDS, "text": TEXTS, "n": range(ROWS), "tags": tags})
    fastparquet.write(str(path), frame, row_group_offsets=[0, 150], object_encoding={"uid": "utf8", "text": "utf8", "tags": "json"})


def by_polars(path):
    table = arrow_table().drop_columns(["map", "large price", "half", "number kind"])
    frame = pl.from_arrow(table).with_columns(
        pl.col("kind").cast(pl.Enum(["kind 0", "kind 1", "kind 2"])),
        category=pl.col("kind").cast(pl.String).cast(pl.Categorical),
        array=pl.col("embedding").cast(pl.Array(pl.Float64, 3)),
        clock=pl.col("time").cast(pl.Time),
        i128=pl.col("u8").cast(pl.Decimal(30, 4)),
    )
    frame.write_parquet(path, row_group_size=150, compression="zstd")


def by_duckdb(path):
    query = f"""
        COPY (SELECT uid, text, row::HUGEINT AS huge, row::DECIMAL(18, 4) / 8 AS price, [row, NULL] AS list,
            {{'a': row, 'b': [{{'c': 'x' || row}}]}} AS nested, MAP {{'k': row}} AS map,
            TIMESTAMP '2024-02-29 12:00:00.123456' + INTERVAL (row) SECOND AS us,
            (TIMESTAMP '2024-02-29 12:00:00' + INTERVAL (row) SECOND)::TIMESTAMP_NS AS ns,
            TIMESTAMPTZ '2024-02-29 12:00:00+02' AS tz, DATE '2024-02-29' AS day, TIME '12:00:00.5' AS clock,
            INTERVAL 3 MONTH AS interval, uuid() AS uuid, 'x'::ENUM ('x', 'y') AS enum, 'ab\\xFF'::BLOB AS raw,
            row::UTINYINT AS tiny, nullif(row % 3, 0) AS gaps, true AS flag, [0.5::FLOAT, row, 1]::FLOAT[3] AS embedding
            FROM (SELECT *, (row_number() OVER () - 1) % 256 AS row FROM frame))
        TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 150, COMPRESSION gzip, KV_METADATA {{made_by: 'DuckDB'}})"""
    connection = duckdb.connect()
    connection.register("frame", pa.table({"uid": UIDS, "text": TEXTS}))
    connection.execute(query)


PARQUET = {"pyarrow": by_pyarrow, "pyarrow-old": by_pyarrow_old, "pandas": by_pandas, "fastparquet": by_fastparquet, "polars": by_polars, "duckdb": by_duckdb}


def check_spark(place):
    """Times as INT96 (Spark's default), from year 1700 to 9680 and at every depth, and texts as bytes; Spark reads what is kept."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.parquet.outputTimestampType", "INT96")
    spark.conf.set("spark.sql.parquet.int96RebaseModeInWrite", "CORRECTED")
    at = lambda r: None if r % 7 == 5 else f"{1700 + 20 * r}-{1 + r % 12:02}-{1 + r % 28:02} 23:59:59.123456"
    frame = spark.createDataFrame([(r, text, at(r)) for r, text in enumerate(TEXTS)], "id bigint, text string, at string")
    frame = frame.selectExpr("id", "text", "CAST(at AS timestamp) AS at", "timestamp_micros(id * 1000003) AS stamp").selectExpr(
        "*", "struct(id AS n, at) AS log", "array(at, NULL) AS visits", "array(struct(text AS role, at)) AS turns", "map('k', at) AS map"
    )
    for name, made in {"times": frame, "bytes": frame.selectExpr("id", "CAST(text AS binary) AS text", "at", "stamp")}.items():
        path, out = place / f"spark-{name}", place / f"out-spark-{name}"
        made.coalesce(1).write.parquet(str(path))
        run(path, "--text-column", "text", "--out", out, "--output", "files,annotate")
        (file,) = [file.name for file in path.glob("*.parquet")]
        rows = kept_rows(out, pq.read_table(out / "removed.parquet")["file"][0].as_py())
        (kept,), (annotated,) = ((list((out / place).rglob("*.parquet"))) for place in ("kept", "annotated"))
        for written in (kept, annotated):
            same(f"{file}: columns", physical(written)[: len(physical(path / file))], physical(path / file))
        before = spark.read.parquet(str(path))
        after, wide = spark.read.parquet(str(kept)), spark.read.parquet(str(annotated))
        same("Spark's schema", after.schema, before.schema)
        whole = before.orderBy("id").collect()
        same("kept, read by Spark", after.orderBy("id").collect(), [whole[row] for row in rows])
        same("annotated, read by Spark", wide.select(before.columns).orderBy("id").collect(), whole)
        same("added columns in Spark", wide.columns, before.columns + ADDED)
        same("kept in Spark", [row.kept for row in wide.select("id", "kept").orderBy("id").collect()], [row in rows for row in range(ROWS)])
        some = f"at > timestamp'5000-01-01 00:00:00' AND id IN ({','.join(map(str, rows))})"
        out = place / f"out-spark-ids-{name}"
        run(path, "--text-column", "text", "--id-column", "stamp", "--out", out)
        stamps = [row.stamp for row in whole]
        for table in ("scores", "removed"):
            written = spark.read.parquet(str(out / f"{table}.parquet"))
            same("times as ids", [dict(written.dtypes)[column] for column in ("id", "duplicate_of")], ["timestamp_ntz"] * 2)
            ids = [row.id for row in written.select("id", "row").orderBy("row").collect()]
            assert ids == stamps if table == "scores" else set(ids) <= set(stamps), "other times"
        same("with a filter", after.where(some).count(), before.where(some).count())
    spark.stop()


def run(*typed):
    done = subprocess.run([SEMDEDUP, "run", *map(str, typed), "--json", "--quiet"], capture_output=True, text=True)
    assert done.returncode in (0, 1), f"{typed}: {done.stderr}"
    return json.loads(done.stdout)


def same(name, left, right):
    assert left == right, f"{name}:\n  {left!s:.2000}\nis not\n  {right!s:.2000}"


def kept_rows(out, file):
    """The numbers of the rows of a file that stay."""
    removed = pq.read_table(out / "removed.parquet").to_pylist()
    gone = {row["row"] for row in removed if row["file"] == file}
    assert gone, "nothing was removed"
    return [row for row in range(ROWS) if row not in gone]


def metadata(path):
    pairs = dict(pq.read_metadata(path).metadata or {})
    pairs.pop(b"ARROW:schema", None)
    return pairs


def codecs(path):
    group = pq.read_metadata(path).row_group(0)
    return {group.column(i).path_in_schema: group.column(i).compression for i in range(group.num_columns)}


def group_rows(path):
    meta = pq.read_metadata(path)
    return [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]


def physical(path):
    schema = pq.read_metadata(path).schema
    return [(c.path, c.physical_type, str(c.logical_type), c.length) for c in (schema.column(i) for i in range(len(schema.names)))]


def duck(path):
    return duckdb.connect().sql(f"SELECT * FROM read_parquet('{path}')").to_arrow_table()


def polar(path):
    """All columns but those that polars has no type for."""
    return pl.read_parquet(path, columns=[n for n in pq.read_schema(path).names if n not in ("interval", "large price")])


def readers():
    return {"pyarrow": pq.read_table, "polars": polar, "duckdb": duck}


def plain(table):
    """pyarrow cannot take rows of, or compare, string views."""
    kind = lambda field: pa.string() if field.type == pa.string_view() else field.type
    return table.cast(pa.schema([field.with_type(kind(field)) for field in table.schema], table.schema.metadata))


def take(frame, rows):
    return frame[rows] if isinstance(frame, pl.DataFrame) else plain(frame).take(rows)


def equal(name, left, right):
    if isinstance(left, pl.DataFrame):
        assert left.equals(right, null_equal=True) and left.schema == right.schema, f"{name}: {left.schema} {right.schema}"
    else:
        left, right = plain(left), plain(right)
        assert left.schema.equals(right.schema, check_metadata=True), f"{name}: {left.schema} is not {right.schema}"
        for column in left.column_names:
            same_values = left[column].combine_chunks().equals(right[column].combine_chunks())
            assert same_values, f"{name}: the values of `{column}` differ"


def check_parquet(place, made_by, make):
    path, out = place / f"{made_by}.parquet", place / f"out-{made_by}"
    make(path)
    summary = run(path, "--text-column", "text", "--id-column", "uid", "--out", out, "--output", "files,ids,annotate", "--ids-format", "txt,parquet,datacomp")
    rows = kept_rows(out, path.name)
    same("rows", (summary["rows_in"], summary["rows_kept"]), (ROWS, len(rows)))
    kept, annotated = out / "kept" / path.name, out / "annotated" / path.name
    for written in (kept, annotated):
        same(f"{written}: metadata", metadata(written), metadata(path))
        before, after = codecs(path), codecs(written)
        same(f"{written}: codecs", {name: codec for name, codec in after.items() if name in before}, before)
        same(f"{written}: columns", physical(written)[: len(physical(path))], physical(path))
        most = max(group_rows(path))
        assert all(count == most for count in group_rows(written)[:-1]) and group_rows(written)[-1] <= most, group_rows(written)
    for reader, read in readers().items():
        before, after, wide = read(path), read(kept), read(annotated)
        equal(f"{made_by}, read by {reader}: kept", after, take(before, rows))
        names = list(before.columns if isinstance(before, pl.DataFrame) else before.column_names)
        equal(f"{made_by}, read by {reader}: annotated", wide.select(names), before)
        columns = list(wide.columns if isinstance(wide, pl.DataFrame) else wide.column_names)
        same("added columns", columns, names + ADDED)
        flags = wide["kept"].to_list() if isinstance(wide, pl.DataFrame) else wide["kept"].to_pylist()
        same("kept", [row for row, kept in enumerate(flags) if kept], rows)
    uids = [UIDS[row] for row in rows]
    same("ids.txt", (out / "ids.txt").read_text().splitlines(), uids)
    same("ids.parquet", pl.read_parquet(out / "ids.parquet")["id"].to_list(), uids)
    check_datacomp(np.load(out / "ids.npy", mmap_mode="r"), uids)
    if made_by == "pandas":
        frame = pd.read_parquet(kept)
        pd.testing.assert_frame_equal(frame, pd.read_parquet(path).iloc[rows])
        pd.testing.assert_frame_equal(pd.read_parquet(annotated).drop(columns=ADDED), pd.read_parquet(path))


def check_datacomp(subset, uids):
    """As DataComp's own filters make such a file, and its resharder asks it."""
    dtype = np.dtype("u8,u8")
    expected = np.array([(int(uid[:16], 16), int(uid[16:32], 16)) for uid in uids], dtype)
    expected.sort()
    same("dtype", subset.dtype, dtype)
    assert (subset == expected).all() and len(subset) == len(uids)
    for uid in UIDS:
        key = np.array([divmod(int(uid, 16), 2**64)], dtype)[0]
        times = np.searchsorted(subset, key, "right") - np.searchsorted(subset, key, "left")
        same(uid, times, int(uid in uids))


def check_ids(place):
    """Ids in the results have the types that they had: whole numbers beyond 2^53 in pandas, where some are missing, and UUIDs."""
    numbers = [2**53 + row for row in range(ROWS)]
    uuids = [hashlib.md5(str(row).encode()).digest() for row in range(ROWS)]
    path, out = place / "ids.parquet", place / "out-ids"
    pq.write_table(pa.table({"number": numbers, "uuid": pa.array(uuids, pa.uuid()), "text": TEXTS}), path)
    for name in ("number", "uuid"):
        run(path, "--id-column", name, "--out", out / name, "--output", "files,annotate")
        for table in ("scores", "removed"):
            file = out / name / f"{table}.parquet"
            schema = pq.read_metadata(file).schema
            places = [schema.names.index("id"), schema.names.index("duplicate_of")]
            kinds = {(schema.column(at).physical_type, str(schema.column(at).logical_type)) for at in places}
            same(f"{file}: types", kinds, {("INT64", "None")} if name == "number" else {("FIXED_LEN_BYTE_ARRAY", "UUID")})
        kind = {"number": "BIGINT", "uuid": "UUID"}[name]
        same("in DuckDB", duckdb.sql(f"SELECT DISTINCT typeof(duplicate_of) FROM '{out / name / 'removed.parquet'}'").fetchall(), [(kind,)])
    frame = pd.read_parquet(out / "number" / "scores.parquet")
    same("types in pandas", [str(frame[name].dtype) for name in ("id", "duplicate_of", "cluster")], ["Int64", "Int64", "UInt32"])
    same("ids in pandas", frame["id"].tolist(), numbers)
    found = frame["duplicate_of"].dropna()
    assert 0 < len(found) < ROWS and set(found) <= set(numbers)
    frame = pd.read_parquet(out / "number" / "annotated" / "ids.parquet", dtype_backend="numpy_nullable")
    same("annotated in pandas", (str(frame["duplicate_of"].dtype), frame["duplicate_of"].dropna().tolist()), ("Int64", found.tolist()))


def check_strings(place):
    """A string that is not UTF-8 is a skipped row in the text, and stays as it is elsewhere."""
    raw = [text.encode() for text in TEXTS]
    bad = [b"caf\xe9 " + value if row in (5, 252) else value for row, value in enumerate(raw)]
    strings = lambda values: pa.StringArray.from_buffers(ROWS, *pa.array(values, pa.binary()).buffers()[1:])
    view = lambda table, name: table[name].combine_chunks().view(pa.binary())
    writers = {
        "bad.parquet": (lambda table, path: pq.write_table(table, path), pq.read_table),
        "bad.arrow": (lambda table, path: pa.feather.write_feather(table, path, "lz4"), pa.feather.read_table),
    }
    for name, (write, read) in writers.items():
        path, out = place / name, place / f"out-{name}"
        write(pa.table({"text": strings(bad), "copy": strings(bad), "other": strings(raw)}), path)
        summary = run(path, "--text-column", "text", "--out", out / "text")
        skipped = pq.read_table(out / "text" / "skipped.parquet").to_pylist()
        same("skipped", (summary["rows_skipped"], [row["row"] for row in skipped]), (2, [5, 252]))
        run(path, "--text-column", "other", "--out", out / "other")
        rows = kept_rows(out / "other", name)
        kept = read(out / "other" / "kept" / name)
        for column in ("text", "copy"):
            same(f"{name}: bytes of {column}", view(kept, column).to_pylist(), [bad[row] for row in rows])
        assert 5 in rows and 252 in rows, "rows without a copy went"


def check_nulls(place):
    """A shard whose texts are all missing has the null type."""
    folder = place / "shards"
    folder.mkdir()
    pq.write_table(pa.table({"text": pa.nulls(ROWS), "n": range(ROWS)}), folder / "a.parquet")
    pq.write_table(pa.table({"text": TEXTS, "n": range(ROWS)}), folder / "b.parquet")
    summary = run(folder, "--out", place / "out-shards")
    same("rows", (summary["empty_rows"], summary["rows_skipped"]), (ROWS, 0))
    same("kept", pq.read_table(place / "out-shards" / "kept" / "a.parquet").num_rows, ROWS)


def check_numpy(place):
    random = np.random.default_rng(7)
    values = random.normal(size=(ROWS, 24)).astype("f4")
    values[3::4] = values[2::4]
    for kind in ("f2", "f4", "f8"):
        np.save(place / f"emb_{kind}.npy", values.astype(kind))
        out = place / f"out-{kind}"
        run("--embeddings", place / f"emb_{kind}.npy", "--out", out, "--output", "files,ids")
        rows = kept_rows(out, f"emb_{kind}.npy")
        same("ids", (out / "ids.txt").read_text().splitlines(), [f"emb_{kind}.npy:{row}" for row in rows])
        back = np.load(out / "kept" / f"emb_{kind}.npy")
        same("dtype", back.dtype, np.dtype(kind))
        assert (back == values.astype(kind)[rows]).all()
        buffer = io.BytesIO()
        np.save(buffer, values.astype(kind)[rows])
        same("bytes", (out / "kept" / f"emb_{kind}.npy").read_bytes(), buffer.getvalue())


def check_lines(place):
    lines = [json.dumps({"uid": uid, "text": text, "n": [1.50, None]}) + "\n" for uid, text in zip(UIDS, TEXTS)]
    path = place / "members.jsonl.gz"
    with open(path, "wb") as file:
        for start in range(0, ROWS, 90):
            file.write(gzip.compress("".join(lines[start : start + 90]).encode()))
    out = place / "out-members"
    run(path, "--out", out, "--output", "files,annotate", "--id-column", "uid")
    rows = kept_rows(out, path.name)
    same("kept", gzip.open(out / "kept" / path.name, "rt").read(), "".join(lines[row] for row in rows))
    annotated = out / "annotated" / path.name
    frame = pd.read_json(annotated, lines=True)
    same("pandas", frame.index[frame["kept"]].tolist(), rows)
    same("duckdb", [r for r, (k,) in enumerate(duckdb.sql(f"SELECT kept FROM read_json('{annotated}')").fetchall()) if k], rows)
    for line, before in zip(gzip.open(annotated, "rt"), lines):
        assert line.startswith(before[:-2]) and set(json.loads(line)) == {"uid", "text", "n", *ADDED}


def check_csv(place):
    for name, delimiter in (("table.csv", ","), ("table.tsv", "\t")):
        path, out = place / name, place / f"out-{name}"
        with open(path, "w", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(["uid", "text", "odd, \"name\""])
            writer.writerows([f'{uid}, "{delimiter}\n', text, f'"{row}"'] for row, (uid, text) in enumerate(zip(UIDS, TEXTS)))
        run(path, "--text-column", "text", "--id-column", "uid", "--out", out, "--output", "files,annotate")
        rows = kept_rows(out, name)
        before = list(csv.reader(open(path, newline=""), delimiter=delimiter))
        same("kept", list(csv.reader(open(out / "kept" / name, newline=""), delimiter=delimiter)), [before[0]] + [before[row + 1] for row in rows])
        after = list(csv.reader(open(out / "annotated" / name, newline=""), delimiter=delimiter))
        same("header", after[0], before[0] + ADDED)
        same("others", [row[:3] for row in after], before)
        same("kept column", [row for row, values in enumerate(after[1:]) if values[6] == "true"], rows)
        ids = {row[0] for row in before}
        assert all(values[4] in ids for values in after[1:] if values[4])
        frame = pd.read_csv(out / "annotated" / name, sep=delimiter)
        same("pandas", frame.index[frame["kept"]].tolist(), rows)
        frame = pl.read_csv(out / "annotated" / name, separator=delimiter)
        same("polars", (frame["kept"].to_list(), frame["score"].dtype), ([row in set(rows) for row in range(ROWS)], pl.Float64))
        found = duckdb.connect().execute(f"SELECT kept FROM read_csv('{out / 'annotated' / name}', delim='{delimiter}')").fetchall()
        same("duckdb", [row for row, (kept,) in enumerate(found) if kept], rows)


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        checks = {f"Parquet by {name}": (lambda n=name, m=make: check_parquet(Path(folder), n, m)) for name, make in PARQUET.items()}
        checks |= {"ids": lambda: check_ids(Path(folder)), "strings": lambda: check_strings(Path(folder)), "nulls": lambda: check_nulls(Path(folder))}
        checks |= {"Parquet by Spark": lambda: check_spark(Path(folder)), "numpy": lambda: check_numpy(Path(folder)), "JSONL": lambda: check_lines(Path(folder)), "CSV, TSV": lambda: check_csv(Path(folder))}
        for name, check in checks.items():
            try:
                check()
                print(f"{name}: right")
            except Exception as error:  # the others are worth knowing too
                failed += 1
                print(f"{name}: {type(error).__name__}: {error}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
