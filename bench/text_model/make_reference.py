"""Writes the reference of the Rust reader: a small model with random vectors, texts, and their embeddings as `static.py` computes them.

    python bench/text_model/make_reference.py vocab.txt

vocab.txt is that of BERT (uncased), whose pieces that the texts need are taken. The result lies in crates/embed/tests/data/distilled.
"""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

from probes import UNKNOWN, probes
from reader import Reader
from static import Texts, embed

ROOT = Path(__file__).resolve().parents[2] / "crates" / "embed" / "tests" / "data"
DIMS, UNIT = 64, 0.9
PAIRS = 6  # of each class of probes
MORE = ["5kg of flour", "5th of May", "1,234.50 and 1,23,4", "-5 °C is not 5 °C", "x=-5", "a - b and 3 - 2", "I can't, won't and cannot",
        "résumé resume Größe größe", "٣٫٤ كيلو", "12 of 21", "21 of 12", "3½ cups", "a|b | c", "A1B2 v2beta 0x1f", "$5 5% #5 §5", "x" * 150,
        "東京は2020年", "e\u0301galite\u0301", "’t don’t", "", "   ", "\u200b", "- 5", "n't", ".5 mg", "-$500", "$-500", "+5 and 5+", ">5 <= 6", ">=5", "(1,100)", "10100,200", "0,500 kg",
        "6.00 and 1.000", "on 3 May 2020", "on Friday, June 3rd", "it may rain", "x = 5 \uff0d 3", "\uff11\uff12 March", "MAY, 12"]


def languages():
    """A sentence of each language."""
    path = ROOT / "languages.jsonl.zst"
    lines = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout.decode().splitlines()
    first = {}
    for line in lines:
        row = json.loads(line)
        first.setdefault(row["lang"], row["text"])
    return list(first.values())


def main():
    whole = [line.rstrip("\n") for line in open(sys.argv[1], encoding="utf-8")]
    made = [text for pairs in probes().values() for pair in pairs[:PAIRS] for text in pair]
    texts = list(dict.fromkeys([*made, *UNKNOWN, *languages(), *MORE]))
    used = Texts(Reader(whole), texts, DIMS).tokens.sum(0).A1 > 0
    # Shorter pieces, too: greedy matching has to choose.
    vocab = [piece for piece, is_used in zip(whole, used) if is_used or len(piece.removeprefix("##")) == 1 or piece in ("th", "kg")]
    rng = np.random.default_rng(0)
    scales = (rng.random(len(vocab)) * 0.01 + 0.001).astype(np.float32)
    values = rng.integers(-127, 128, (len(vocab), DIMS)).astype(np.int8)
    rows = embed(values * scales[:, None], Texts(Reader(vocab), texts, DIMS), {}, UNIT)
    out = ROOT / "distilled"
    out.mkdir(exist_ok=True)
    (out / "vocab.txt").write_text("".join(f"{piece}\n" for piece in vocab), encoding="utf-8")
    table = b"SDTABLE2" + struct.pack("<IIf", len(vocab), DIMS, UNIT) + scales.tobytes() + values.tobytes()
    (out / "table.bin").write_bytes(table)
    (out / "config.json").write_text(json.dumps({"model_type": "semdedup-static", "version": 1, "dim": DIMS}) + "\n")
    (out / "texts.json").write_text(json.dumps(texts, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    rows.astype("<f4").tofile(out / "reference.f32")
    print(len(texts), "texts", len(vocab), "pieces")


if __name__ == "__main__":
    main()
