"""Writes the shards and tables of images in images/: run `python make_images.py` in this folder.

Needs webdataset, pillow, pyarrow. The pictures are drawn here; nothing is taken from anywhere.
"""

import io
import json
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset as wds
from PIL import Image


def picture(number, kind="PNG"):
    """A picture of 8 x 8 pixels, of a colour of its own."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, :] = (number * 37 % 256, number * 91 % 256, 255 - number * 53 % 256)
    pixels[number % 8, :] = 255
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def by_webdataset():
    """As img2dataset writes: image, caption, json; sample 3 has no caption, sample 5 no image, 7 is broken."""
    with wds.TarWriter("images/webdataset.tar", mtime=0) as shard:
        for number in range(12):
            sample = {"__key__": f"00000/{number:06d}", "png": picture(number // 2), "txt": f"caption {number}"}
            sample["json"] = json.dumps({"uid": f"u{number}", "meta": {"caption": f"inner {number}"}, "n": number}).encode()
            if number == 3:
                del sample["txt"]
            if number == 5:
                del sample["png"]
            if number == 7:
                sample["png"] = b"\x89PNG\r\n\x1a\nbroken"
            shard.write(sample)


def by_tarfile(name, style):
    """Names too long for a header, a folder and a link between, the members of a sample in any order."""
    with tarfile.open(name, "w", format=style) as shard:
        for number in range(4):
            key = f"{'long/' * 30}{'name' * 20}-{number}"
            folder = tarfile.TarInfo(f"folder-{number}")
            folder.type = tarfile.DIRTYPE
            shard.addfile(folder)
            for extension, data in (("txt", b"t%d" % number), ("left.png", picture(number)), ("right.png", picture(9))):
                member = tarfile.TarInfo(f"{key}.{extension}")
                member.size = len(data)
                shard.addfile(member, io.BytesIO(data))
            link = tarfile.TarInfo(f"link-{number}")
            link.type = tarfile.SYMTYPE
            link.linkname = f"{key}.left.png"
            shard.addfile(link)


def by_pyarrow():
    """As Hugging Face writes images: a struct of bytes and path; and plain binary. Row 2 is null, row 3 has only a path."""
    images = [{"bytes": picture(n // 2), "path": f"{n}.png"} for n in range(6)]
    images[2] = None
    images[3] = {"bytes": None, "path": "elsewhere.png"}
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    plain = [picture(n) for n in range(6)]
    table = pa.table({"image": pa.array(images, kind), "label": pa.array(range(6), pa.int64())})
    pq.write_table(table, "images/hugging_face.parquet", row_group_size=4)
    table = pa.table({"jpg": pa.array(plain, pa.large_binary()), "caption": [f"c{n}" for n in range(6)]})
    pq.write_table(table, "images/binary.parquet")


by_webdataset()
by_tarfile("images/gnu_names.tar", tarfile.GNU_FORMAT)
by_tarfile("images/pax_names.tar", tarfile.PAX_FORMAT)
by_pyarrow()
