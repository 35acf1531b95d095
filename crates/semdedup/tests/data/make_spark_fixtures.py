"""Writes Parquet files by Spark with what its defaults and old versions of it are known for; see README.md."""

import datetime
import shutil
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

TEXTS = [f"row {i}: " + "word " * (i % 7) for i in range(50)]
TEXTS[7] = None
TEXTS[8] = ""
TEXTS[9] = "snow ☃ and\na second line"

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")


def write(frame, name, **options):
    with tempfile.TemporaryDirectory() as folder:
        frame.coalesce(1).write.options(**options).parquet(f"{folder}/out")
        (part,) = Path(folder, "out").glob("*.parquet")
        shutil.copy(part, name)


def int96():
    """Spark's default for times, from year 1 to 9999, also in structs, lists and maps."""
    when = lambda r: f"{1 + 204 * r:04}-{1 + r % 12:02}-{1 + r % 28:02} {r % 24:02}:59:59.123456"
    rows = [(r, TEXTS[r], None if r % 7 == 5 else when(r), r % 4) for r in range(50)]
    frame = spark.createDataFrame(rows, "id bigint, text string, at string, n int")
    frame = frame.withColumn("at", f.col("at").cast("timestamp")).select(
        "id",
        "text",
        "at",
        f.struct("n", "at").alias("log"),
        f.expr("CASE WHEN n = 0 THEN NULL ELSE slice(array(at, NULL, at), 1, n - 1) END").alias("visits"),
        f.expr("transform(sequence(1, n), i -> named_struct('role', concat('r', i), 'at', at))").alias("turns"),
        f.expr("map('seen', at)").alias("by_name"),
    )
    spark.conf.set("spark.sql.parquet.outputTimestampType", "INT96")
    spark.conf.set("spark.sql.parquet.int96RebaseModeInWrite", "CORRECTED")
    write(frame, "spark_int96.parquet")


def binary():
    """Texts as bytes without a word of what they are, as Spark writes a column of binary."""
    kind = t.StructType([t.StructField("id", t.LongType()), t.StructField("text", t.BinaryType())])
    rows = [(r, None if text is None else bytearray(text.encode())) for r, text in enumerate(TEXTS)]
    write(spark.createDataFrame(rows, kind), "spark_binary.parquet", compression="zstd")


int96()
binary()
spark.stop()
