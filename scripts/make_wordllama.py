"""Makes a folder of WordLlama l2_supercat_256 that `--model` takes, once the built-in text model of semdedup.

    python scripts/make_wordllama.py OUT [--wheel FILE]

Downloads the wheel from PyPI with pip (or takes FILE), checks it and the files inside against the hashes below, and writes the vectors
and the tokenizer in the layout of model2vec. Needs nothing but Python.

    semdedup run data.jsonl --model OUT --max-tokens 512 --out deduped/

WordLlama's own licence is MIT (written to OUT/LICENSE). But its vectors were made from those of LLaMA-2 70B and Phi-3, and the Llama 2
licence (1.b.v) forbids to improve other large language models with what came out of it. So judge for yourself before you use it.
"""
import argparse, hashlib, json, pathlib, struct, subprocess, sys, tempfile, zipfile

VERSION = "0.4.0.post1"
WEIGHTS = "wordllama/weights/l2_supercat_256.safetensors"
TOKENIZER = "wordllama/tokenizers/l2_supercat_tokenizer_config.json"
LICENSE = f"wordllama-{VERSION}.dist-info/licenses/LICENSE"
SHA256 = {
    "wheel": "42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97",
    WEIGHTS: "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
    TOKENIZER: "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
}


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


def renamed(data):
    """The safetensors file with its only tensor under the name that model2vec gives it."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    (tensor,) = [value for name, value in header.items() if name != "__metadata__"]
    header = json.dumps({"embeddings": tensor}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data[8 + length:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--wheel", type=pathlib.Path, help="a wheel downloaded before")
    args = parser.parse_args()
    if args.out.exists():
        sys.exit(f"{args.out}: exists already; name a new folder")
    with tempfile.TemporaryDirectory() as folder:
        wheel = args.wheel or download(folder)
        checked("wheel", wheel.read_bytes())
        with zipfile.ZipFile(wheel) as z:
            weights, tokenizer = (checked(name, z.read(name)) for name in (WEIGHTS, TOKENIZER))
            licence = z.read(LICENSE)
    args.out.mkdir(parents=True)
    (args.out / "LICENSE").write_bytes(licence)
    (args.out / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}) + "\n")
    (args.out / "tokenizer.json").write_bytes(tokenizer)
    (args.out / "model.safetensors").write_bytes(renamed(weights))
    print(f"{args.out}: run it with --model {args.out}")


if __name__ == "__main__":
    main()
