"""What to make of the image model's values before they are compared: a table for docs/images.md.

    python bench/image_values.py EMOJI.tar PHOTOS

EMOJI.tar is a WebDataset shard with a PNG and a JSON (`vendor`, `codepoint`) a sample. PHOTOS is a folder of pictures of which no two
should be the same: the record is of Debian's packages mate-backgrounds, lomiri-wallpapers-16.04, lomiri-wallpapers-20.04, ukui-wallpapers,
plasma-workspace-wallpapers and gnome-backgrounds, one picture of each that comes in several sizes.

The network is run by LiteRT, which is what the model computes bit by bit. For each transformation:

other vendor   for each emoji of which another vendor has the codepoint, the nearest emoji of ANOTHER vendor: how often it has the same
               codepoint, and the same base (the codepoint without skin tone and gender)
removed        when the most similar 26 % or 53 % of all emoji are removed (a row is compared with all rows before it): how
               often the row it is similar to has the same base
photos         each photo after JPEG of quality 20, a crop to three quarters of each side, and as grey: how often its cosine to the
               original is higher than that of the 20th most similar pair of different photos

Means and deviations are those of the emoji.
"""

import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from measure import machine, store, table

MODEL = Path(__file__).parent.parent / "crates/embed/models/mobilenet-v1-1.0-224-quant/model.tflite"
MODIFIERS = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff", "200d", "2640", "2642", "fe0f"}
SHARES = (0.26, 0.53)


class Network:
    def __init__(self):
        self.net = Interpreter(str(MODEL), num_threads=1)
        self.net.allocate_tensors()
        self.entry, self.end = self.net.get_input_details()[0]["index"], self.net.get_output_details()[0]["index"]

    def __call__(self, image):
        square = image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
        self.net.set_tensor(self.entry, np.asarray(square)[None])
        self.net.invoke()
        return self.net.get_tensor(self.end).reshape(-1).astype(np.float32)


def emoji(path, network):
    values, labels = {}, {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, kind = member.name.rsplit(".", 1)
            data = tar.extractfile(member).read()
            if kind == "png":
                values[key] = network(Image.open(io.BytesIO(data)))
            else:
                labels[key] = json.loads(data)
    keys = list(values)
    codepoints = [labels[k]["codepoint"] for k in keys]
    bases = ["-".join(p for p in c.split("-") if p not in MODIFIERS) for c in codepoints]
    number = lambda names: np.unique(names, return_inverse=True)[1]
    return np.stack([values[k] for k in keys]), number(codepoints), number(bases), number([labels[k]["vendor"] for k in keys])


def photos(folder, network):
    def quality(image):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=20)
        return Image.open(out)

    rows = {"original": [], "quality 20": [], "crop": [], "grey": []}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        image = Image.open(path).convert("RGB")
        image.thumbnail((1024, 1024))
        width, height = image.size
        rows["original"].append(network(image))
        rows["quality 20"].append(network(quality(image)))
        rows["crop"].append(network(image.crop((width // 8, height // 8, width - width // 8, height - height // 8))))
        rows["grey"].append(network(image.convert("L")))
    return {kind: np.stack(values) for kind, values in rows.items()}


def transformations(reference):
    root = np.sqrt
    mean, deviation = reference.mean(0), reference.std(0) + 0.5
    root_mean = root(reference).mean(0)
    return {
        "as they come": lambda v: v,
        "divided by the standard deviation": lambda v: v / deviation,
        "square root": root,
        "less the mean": lambda v: v - mean,
        "less the mean, divided by the deviation": lambda v: (v - mean) / deviation,
        "square root, less its mean": lambda v: root(v) - root_mean,
    }


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def measure(change, emoji, photos):
    values, codepoint, base, vendor = emoji
    similar = (lambda rows: rows @ rows.T)(unit(change(values)))
    result = {"median cosine, different bases": float(np.median(similar[base[:, None] != base[None, :]]))}
    before = np.tril(similar, -1) - 9 * np.triu(np.ones_like(similar))
    score, duplicate_of = before.max(1), before.argmax(1)
    order = np.argsort(-score)
    right = base[duplicate_of] == base
    for share in SHARES:
        result[f"{share:.0%} removed: base"] = float(right[order[: round(share * len(order))]].mean())
    other = np.where(vendor[:, None] == vendor[None, :], -9, similar)
    nearest = other.argmax(1)
    known = ((codepoint[:, None] == codepoint[None, :]) & (other > -9)).any(1)
    result["emoji with another vendor's"] = int(known.sum())
    result["other vendor: codepoint"] = float((codepoint[nearest] == codepoint)[known].mean())
    result["other vendor: base"] = float((base[nearest] == base)[known].mean())
    originals = unit(change(photos["original"]))
    pairs = np.sort((originals @ originals.T)[np.triu_indices(len(originals), 1)])[::-1]
    result["20th pair of photos"] = float(pairs[19])
    for kind in ("quality 20", "crop", "grey"):
        result[kind] = float(((originals * unit(change(photos[kind]))).sum(1) > pairs[19]).mean())
    return result


def main():
    network = Network()
    labelled, pictures = emoji(sys.argv[1], network), photos(Path(sys.argv[2]), network)
    results = {name: measure(change, labelled, pictures) for name, change in transformations(labelled[0]).items()}
    columns = list(next(iter(results.values())))
    print(table(["", *columns], [[name, *(f"{r[c]:.3f}" for c in columns)] for name, r in results.items()]))
    counts = {"emoji": len(labelled[0]), "photos": len(pictures["original"])}
    store("image-values", {"machine": machine(), "counts": counts, "results": results})


main()
