"""The peer for the image model: LiteRT and PIL in Python, from a tar of PNGs to embeddings.

    python bench/peer_litert.py EMOJI.tar PROCESSES THREADS

Each process reads the tar, decodes and resizes every PROCESSES-th image, and runs the network with THREADS threads. Prints images per
second of all together, from the first image to the last; starting Python and loading the model are not counted.
"""

import io
import multiprocessing
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

MODEL = Path(__file__).parent.parent / "crates/embed/models/mobilenet-v1-1.0-224-quant/model.tflite"


def work(path, first, step, threads, barrier):
    network = Interpreter(str(MODEL), num_threads=threads)
    network.allocate_tensors()
    entry, end = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]
    barrier.wait()
    start, rows = time.time(), []
    with tarfile.open(path) as tar:
        images = [member for member in tar if member.name.endswith(".png")]
        for member in images[first::step]:
            image = Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")
            network.set_tensor(entry, np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR))[None])
            network.invoke()
            rows.append(network.get_tensor(end).reshape(-1))
    return len(np.stack(rows)), start, time.time()


def main():
    path, processes, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with multiprocessing.Manager() as manager, multiprocessing.Pool(processes) as pool:
        barrier = manager.Barrier(processes)
        parts = pool.starmap(work, [(path, i, processes, threads, barrier) for i in range(processes)], chunksize=1)
    seconds = max(end for _, _, end in parts) - min(start for _, start, _ in parts)
    print(f"{sum(count for count, _, _ in parts) / seconds:.1f} images/s")


if __name__ == "__main__":
    main()
