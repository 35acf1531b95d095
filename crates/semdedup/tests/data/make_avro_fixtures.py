"""Writes the Avro files here: python make_avro_fixtures.py (with fastavro)."""
import fastavro

TEXTS = [f"row {row}: {'word ' * (row % 7)}" for row in range(50)]
TEXTS[7], TEXTS[8], TEXTS[9] = None, "", "snow \u2603 and\na second line"

SCHEMA = {
    "type": "record",
    "name": "Row",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "text", "type": ["null", "string"]},
        {"name": "meta", "type": {"type": "record", "name": "Meta", "fields": [{"name": "url", "type": "string"}]}},
        {"name": "embedding", "type": {"type": "array", "items": "float"}},
        {"name": "tags", "type": {"type": "map", "values": "int"}},
    ],
}


def row(number):
    return {
        "id": number,
        "text": TEXTS[number],
        "meta": {"url": f"u{number}"},
        "embedding": [float(number), 0.5, -1.0],
        "tags": {"n": number},
    }


for name, codec in [("plain.avro", "null"), ("deflate.avro", "deflate")]:
    with open(name, "wb") as out:
        # Blocks of a few rows each.
        fastavro.writer(out, SCHEMA, map(row, range(50)), codec=codec, sync_interval=200)
with open("no_rows.avro", "wb") as out:
    fastavro.writer(out, SCHEMA, [])
