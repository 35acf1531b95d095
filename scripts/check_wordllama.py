"""Compares the crate's WordLlama with the original: `wordllama` weights in f16, the `tokenizers` library, numpy.

    pip install numpy scipy safetensors tokenizers wordllama==0.4.0.post1
    python scripts/check_wordllama.py compare TEXTS.jsonl [--limit N]    cosine of texts, ours and the original's
    python scripts/check_wordllama.py fixtures TEXTS.jsonl...            writes the references that the tests read

TEXTS.jsonl (or .jsonl.zst, read with the zstd program) has a `text` in each line. `compare` builds and runs
`crates/embed/examples/embed_jsonl.rs`; `fixtures` also prints the original's Spearman correlation on STS-B.

The original reads the normal form of each text (`normal` below), as ours does. Words that the vocabulary lacks have features of their
letters in ours, so `compare` leaves out texts with such words, and with any character outside ASCII.
"""
import argparse, csv, json, pathlib, re, subprocess, sys, tempfile, unicodedata

import numpy as np
import wordllama
from safetensors.numpy import load_file
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).parent.parent
DATA = ROOT / "crates/embed/tests/data"
MAX_TOKENS = 512
SAMPLES = 450  # texts of each file that become fixtures

HARD = [
    "", " ", "  ", "   ", " " * 15, " " * 16, " " * 17, " " * 300, "\n", "\t", "\n\n\n", " \n ", "\r\n", "\t \t ",
    "a", " a", "a ", "  a  b   c    ", "a\tb\nc\rd", "\u2581", "\u2581\u2581", " \u2581 ", "a\u2581b", "\u2581a \u2581 b",
    "\u2582\u2580", "<s>", "</s>", "<unk>", "<s></s>", "a<s>b", "a <s> b", "<s> a", "a</s>", "<unk><unk>x", "<<s>>", "<s",
    "< s>", "<S>", "</s", "<pad>", "<0x41>", "[INST] hi [/INST]", "a<unk>\u2581b </s> c<s>", "\x00", "\x00\x01\x02\x1f\x7f",
    "a\x00b", "\x1b[31mred\x1b[0m", "\ufeffBOM", "\u00a0no\u00a0break", "\u200b\u200c\u200d", "\u202eright to left",
    "\U0010ffff", "\ue000", "\ufffd", "\u0301", "e\u0301 vs \u00e9", "\u1e9b\u0323", "\ufb01 \ufb02", "\u0130\u0131", "\u00df\u1e9e",
    "\U0001f600", "\U0001f600 \U0001f602\U0001f602", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea",
    "I \u2764\ufe0f you \U0001f44d\U0001f3fd!", "\u4f60\u597d\uff0c\u4e16\u754c\u3002",
    "\u4e2d\u6587\u6587\u672c\u6ca1\u6709\u7a7a\u683c" * 3, "\u4e2d\u6587\u6587\u672c\u6ca1\u6709\u7a7a\u683c" * 200,
    "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8\u3067\u3059", "\ud55c\uad6d\uc5b4 \ud14d\uc2a4\ud2b8",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1",
    "\U0001d552\U0001d553\U0001d554", "\u2460\u2461\u2462", "\u222b\u2211\u221a\u221e \u2260 \u2264", "\u2018quoted\u2019 \u201ctwice\u201d \u2026 \u2013 \u2014",
    "fn main() {\n    println!(\"{}\", 1 + 2);\n}\n", "def f(x):\n\treturn x ** 2  # square\n", "SELECT * FROM t WHERE a <> 'b';",
    "<html><body><s>struck</s></body></html>", "https://example.com/a/b?c=d&e=%20f#g", "C:\\Windows\\System32\\drivers\\etc",
    "0x7fffffff 3.14159e-10 1,000,000", "aGVsbG8gd29ybGQ=" * 4, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 60, "a" * 63, "a" * 64,
    "a" * 65, "a" * 5000, "ab" * 3000, "=" * 80, "-" * 1000, "." * 700, "!?" * 600, "_" * 129, "0" * 2000, "\u00e9" * 700,
    "\U0001f600" * 200, "\U0001f600" * 128, "word " * 511, "word " * 512, "word " * 513, "word " * 2000, "x\n" * 256, "x\n" * 300,
    "word " * 511 + "</s>", "word " * 512 + "</s>", "<s>" * 512, "<s>" * 513, "internationalization antidisestablishmentarianism",
    "camelCaseIdentifier snake_case_identifier SCREAMING_SNAKE kebab-case", "HRESULT CoInitializeEx(LPVOID pvReserved, DWORD dwCoInit);",
]


BROKEN_UP = 0.7  # tokens a letter from which on a word of three ASCII letters or more counts as unknown


def normal(text):
    """NFKC, case folded, words one space apart, without characters that nobody sees (of those, only the ones in HARD)."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = re.sub("[\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]", "", text)
    return " ".join(re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2581]+", " ", text).split())


class Original:
    """The embeddings as `wordllama` users have them: mean of the f16 vectors, summed here in f64."""

    def __init__(self):
        root = pathlib.Path(wordllama.__file__).parent
        (self.weights,) = load_file(root / "weights/l2_supercat_256.safetensors").values()
        spec = root / "tokenizers/l2_supercat_tokenizer_config.json"
        self.tokenizer = Tokenizer.from_file(str(spec))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.spec = spec.read_bytes()

    def tokens(self, texts):
        return [e.ids for e in self.tokenizer.encode_batch([normal(t) for t in texts], add_special_tokens=False)]

    def knows(self, text):
        """Whether ours reads the text as the original does."""
        words = set(re.findall("[a-z0-9_]+", normal(text)))
        judged = [word[:64] for word in words if len(word) > 2 and word[:64].isalpha()]
        return normal(text).isascii() and all(
            len(ids) <= BROKEN_UP * len(word) for word, ids in zip(judged, self.tokens(judged)))

    def embed(self, tokens):
        rows = np.zeros((len(tokens), self.weights.shape[1]))
        for row, ids in zip(rows, tokens):
            if ids:
                row[:] = self.weights[ids].astype(np.float64).mean(axis=0)
        return rows


def read_texts(path):
    if path.endswith(".zst"):
        data = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
    else:
        data = pathlib.Path(path).read_bytes()
    return [json.loads(line)["text"] for line in data.decode().split("\n") if line]


def zstd(data, path):
    subprocess.run(["zstd", "-q", "-19", "-f", "-o", path], input=data, check=True)


def cosines(a, b):
    """Row by row; 1 where both are zero."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    both_zero = ~a.any(axis=1) & ~b.any(axis=1)
    return np.where(both_zero, 1.0, (a * b).sum(axis=1) / np.where(norms > 0, norms, 1))


def compare(path, limit):
    reference = Original()
    texts = [text for text in read_texts(path)[:limit] if reference.knows(text)]
    original = reference.embed(reference.tokens(texts))
    with tempfile.TemporaryDirectory() as folder:
        lines, rows = f"{folder}/texts.jsonl", f"{folder}/rows.f32"
        pathlib.Path(lines).write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
        subprocess.run(["cargo", "run", "--quiet", "--release", "-p", "semdedup-embed", "--example", "embed_jsonl", "--",
                        lines, rows], cwd=ROOT, check=True)
        ours = np.fromfile(rows, "<f4").reshape(original.shape).astype(np.float64)
    found = cosines(original, ours)
    print(f"{len(texts)} texts: cosine to the original min {found.min():.6f}, mean {found.mean():.6f}, "
          f"below 0.999: {(found < 0.999).sum()}")
    sys.exit(int(found.min() < 0.999))


def fixtures(paths):
    original = Original()
    texts = list(HARD)
    for path in paths:
        found = read_texts(path)
        texts += [found[i] for i in np.linspace(0, len(found) - 1, SAMPLES).astype(int)]
    tokens = original.tokens(texts)
    original.embed(tokens).astype("<f2").tofile(DATA / "reference.f16")
    lines = (json.dumps({"text": t, "tokens": ids}, ensure_ascii=False) + "\n" for t, ids in zip(texts, tokens))
    zstd("".join(lines).encode(), DATA / "reference.jsonl.zst")
    zstd(original.spec, DATA / "tokenizer.json.zst")
    print(f"{len(texts)} texts, {sum(map(len, tokens))} tokens")

    from scipy.stats import spearmanr
    pairs = list(csv.reader(open(DATA / "stsb-dev.csv", encoding="utf8", newline="")))
    a, b = (original.embed(original.tokens([pair[side] for pair in pairs])) for side in (0, 1))
    rho = spearmanr(cosines(a, b), [float(pair[2]) for pair in pairs]).statistic
    print(f"STS-B dev, {len(pairs)} pairs: Spearman of the original {rho:.6f}")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = args.add_subparsers(required=True)
    command = commands.add_parser("compare")
    command.add_argument("texts")
    command.add_argument("--limit", type=int, default=10_000)
    command.set_defaults(run=lambda a: compare(a.texts, a.limit))
    command = commands.add_parser("fixtures")
    command.add_argument("texts", nargs="+")
    command.set_defaults(run=lambda a: fixtures(a.texts))
    args = args.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
