"""Writes encrypted Parquet files by pyarrow: one as a whole, and one whose footer is plain; see README.md."""

import base64

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

TEXTS = [f"row {i}: " + "word " * (i % 7) for i in range(50)]
KEYS = {"footer": b"0123456789abcdef", "column": b"fedcba9876543210"}


class Keys(pe.KmsClient):
    """Wraps keys in keys that are written here: nothing in these files is secret."""

    def __init__(self, _):
        super().__init__()

    def wrap_key(self, key, name):
        return base64.b64encode(KEYS[name] + key)

    def unwrap_key(self, wrapped, name):
        return base64.b64decode(wrapped)[len(KEYS[name]) :]


def write(name, plaintext_footer):
    config = pe.EncryptionConfiguration(footer_key="footer", column_keys={"column": ["text"]}, plaintext_footer=plaintext_footer)
    properties = pe.CryptoFactory(Keys).file_encryption_properties(pe.KmsConnectionConfig(), config)
    table = pa.table({"id": range(50), "text": TEXTS})
    with pq.ParquetWriter(name, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)


write("encrypted.parquet", False)
write("encrypted_columns.parquet", True)
