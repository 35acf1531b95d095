"""Writes `emoji.tar` and `emoji.u8`: emoji of three vendors, and the results of LiteRT for them with the model of this crate.

    pip install ai-edge-litert pillow numpy
    python make_mobilenet_reference.py EMOJI.tar

EMOJI.tar is a WebDataset shard of PNG and JSON, of which the script uses every 40th PNG. PIL decodes an image,
`transparency.py` blends it with a background, and PIL's bilinear filter resizes it to 224 x 224. `emoji.u8` has 1,024
bytes for each image: the outputs of the network with LiteRT's default kernels (XNNPACK).

With `--resize` the script prints the hashes of `src/mobilenet/tests.rs` instead: FNV-1a hashes of a computed picture that PIL
resized. Pillow 13 resizes tall images in another order, so the hashes are those of Pillow 11.3.
"""

import io
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from transparency import over_background

HERE = Path(__file__).parent
MODEL = HERE.parent.parent / "models/mobilenet-v1-1.0-224-quant/model.tflite"
EVERY = 40


def square(image):
    return over_background(image).resize((224, 224), Image.Resampling.BILINEAR)


def reference(source):
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(str(MODEL), num_threads=1)
    network.allocate_tensors()
    entry, end = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]
    with tarfile.open(source) as tar:
        images = {m.name: tar.extractfile(m).read() for m in tar if m.name.endswith(".png")}
    with tarfile.open(HERE / "emoji.tar", "w", format=tarfile.USTAR_FORMAT) as out, open(HERE / "emoji.u8", "wb") as rows:
        for name in sorted(images)[::EVERY]:
            member = tarfile.TarInfo(name)
            member.size = len(images[name])
            out.addfile(member, io.BytesIO(images[name]))
            network.set_tensor(entry, np.asarray(square(Image.open(io.BytesIO(images[name]))))[None])
            network.invoke()
            rows.write(network.get_tensor(end).tobytes())


def hashes():
    for width, height in ((1, 1), (2, 3), (224, 224), (224, 100), (100, 224), (225, 223), (640, 17), (31, 700), (1000, 450)):
        y, x, c = np.ogrid[0:height, 0:width, 0:3]
        pixels = ((7 * x + 13 * y + 50 * c) ^ (x * y)).astype(np.uint8)
        digest = 0xCBF29CE484222325
        for byte in np.asarray(square(Image.fromarray(pixels))).tobytes():
            digest = ((digest ^ byte) * 0x100000001B3) % 2**64
        print(f"({width}, {height}, 0x{digest:016x}),")


hashes() if sys.argv[1] == "--resize" else reference(sys.argv[1])
