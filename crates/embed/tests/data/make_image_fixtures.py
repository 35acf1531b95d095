"""Writes `images/`: small images in every supported format and variant, and the pixels that PIL decodes from them.

    pip install pillow numpy zstandard
    python make_image_fixtures.py

PIL writes most of them. The script writes the bytes of those that PIL cannot write: PNG with 16-bit RGB or interlacing,
YCCK, a GIF whose first frame does not cover the canvas, a BMP with alpha. `expected.jsonl` has a line for each image.
`expected.rgb.zst` has the pixels of all images: RGB in row-major order, where `transparency.py` blends transparent images.
The pictures are computed, so only the licence of the project applies.
"""

import io
import json
import pathlib
import struct
import zlib

import numpy as np
import zstandard
from PIL import Image, ImageDraw, ImageOps

from transparency import over_background

HERE = pathlib.Path(__file__).parent / "images"
WIDTH, HEIGHT = 44, 30
# Chroma at half the height is upsampled by libjpeg with one rounding, by zune-jpeg with two.
CHROMA = 5


def picture(width=WIDTH, height=HEIGHT, channels=3):
    """Draws gradients, a disc and a bar: smooth parts, edges, and no symmetry."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    base = [x / width, y / height, 0.5 + 0.5 * np.sin((x + 2 * y) / 9), 0.3 + 0.7 * x * y / (width * height)]
    pixels = np.stack(base[:channels], axis=-1)
    disc = (x - width * 0.3) ** 2 + (y - height * 0.4) ** 2 < (height * 0.25) ** 2
    pixels[disc] = [0.9, 0.2, 0.1, 0.8][:channels]
    pixels[height // 2 : height // 2 + 4, width // 2 :] = [0.1, 0.3, 0.9, 0.4][:channels]
    return pixels


def rgb(**size):
    return Image.fromarray((picture(**size) * 255).astype(np.uint8))


def rgba():
    return Image.fromarray((picture(channels=4) * 255).astype(np.uint8))


def glyph(left, right, shadow=None):
    """Draws two shapes of two colors on a transparent canvas, with an optional soft shadow."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    if shadow is not None:
        depth = np.clip(1 - np.hypot(x - WIDTH * 0.5, y - HEIGHT * 0.6) / (HEIGHT * 0.6), 0, 1)
        pixels[...] = [*shadow, 0]
        pixels[..., 3] = 120 * depth
    pixels[np.hypot(x - WIDTH * 0.27, y - HEIGHT * 0.5) < HEIGHT * 0.3] = [*left, 255]
    pixels[(abs(x - WIDTH * 0.72) < 8) & (abs(y - HEIGHT * 0.5) < 8)] = [*right, 255]
    return Image.fromarray(pixels)


BLACK, WHITE, GREY, RED = (0, 0, 0), (255, 255, 255), (128, 128, 128), (220, 20, 30)


def bmp_with_alpha(image):
    """Makes a BMP with a header of version 5, whose masks include alpha."""
    rows = np.asarray(image)[::-1, :, [2, 1, 0, 3]].tobytes()
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII4I4s48xII8x", 124, *image.size, 1, 32, 3, len(rows), 2835, 2835, 0, 0, *masks, b"BGRs", 4, 0)
    start = 14 + len(header)
    return struct.pack("<2sIII", b"BM", start + len(rows), 0, start) + header + rows


def associated(image):
    """Makes a TIFF whose colors are multiplied by alpha, with the tag for it."""
    straight = encoded(Image.frombytes("RGBA", image.size, image.convert("RGBa").tobytes()), "TIFF")
    tag = struct.pack("<HHI", 338, 3, 1)
    assert straight.count(tag + b"\2") == 1
    return straight.replace(tag + b"\2", tag + b"\1")


def cmyk():
    return Image.frombytes("CMYK", (WIDTH, HEIGHT), (picture(channels=4) * 255).astype(np.uint8).tobytes())


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png(pixels, bits, color, interlaced=False):
    """Makes a PNG: `color` is the number of the standard, `pixels` are whole samples of `bits` bits."""
    height, width = pixels.shape[:2]
    kind = ">u2" if bits == 16 else "u1"
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for left, top, right, down in passes:
        part = pixels[top::down, left::right]
        if part.size:
            rows += b"".join(b"\0" + row.astype(kind).tobytes() for row in part)

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpegs():
    yield "rgb-420.jpg", encoded(rgb(), "JPEG", quality=90, subsampling="4:2:0"), CHROMA
    yield "rgb-422.jpg", encoded(rgb(), "JPEG", quality=90, subsampling="4:2:2"), 3
    yield "rgb-444.jpg", encoded(rgb(), "JPEG", quality=90, subsampling="4:4:4"), 3
    yield "progressive.jpg", encoded(rgb(), "JPEG", quality=90, progressive=True), CHROMA
    yield "restart.jpg", encoded(rgb(), "JPEG", quality=90, restart_marker_blocks=2), CHROMA
    yield "components-rgb.jpg", encoded(rgb(), "JPEG", quality=90, keep_rgb=True), 3
    yield "grey.jpg", encoded(rgb().convert("L"), "JPEG", quality=90), 3
    four = encoded(cmyk(), "JPEG", quality=90)
    yield "cmyk.jpg", four, 3
    at = four.index(b"Adobe") + 11
    yield "ycck.jpg", four[:at] + b"\x02" + four[at + 1 :], 3
    stray = encoded(rgb(), "JPEG", quality=90)
    at = stray.index(b"\xff\xdb")
    yield "stray-bytes.jpg", stray[:at] + b"stray" + stray[at:], CHROMA
    for orientation in range(1, 9):
        small = rgb(width=24, height=16)
        yield f"orientation-{orientation}.jpg", encoded(small, "JPEG", quality=90, exif=turned(orientation)), 3


def pngs():
    deep = (picture(channels=4) * 65535).astype(np.uint16)
    flat = (picture(channels=4) * 255).astype(np.uint8)
    yield "rgb.png", encoded(rgb(), "PNG"), 0
    yield "rgba.png", encoded(rgba(), "PNG"), 0
    yield "grey.png", encoded(rgb().convert("L"), "PNG"), 0
    yield "grey-alpha.png", encoded(rgba().convert("LA"), "PNG"), 0
    yield "grey-transparent.png", encoded(rgb().convert("L"), "PNG", transparency=80), 0
    yield "one-bit.png", encoded(rgb().convert("1"), "PNG"), 0
    for bits in (8, 4, 2, 1):
        colors = rgb().quantize(2**bits)
        yield f"palette-{bits}.png", encoded(colors, "PNG", bits=bits), 0
    yield "palette-transparent.png", encoded(rgb().quantize(16), "PNG", transparency=3), 0
    yield "palette-alpha.png", encoded(rgba().quantize(16), "PNG"), 0
    yield "grey-16.png", encoded(Image.fromarray(deep[:, :, 0]), "PNG"), 0
    yield "grey-alpha-16.png", png(deep[:, :, :2], 16, 4), 0
    yield "rgb-16.png", png(deep[:, :, :3], 16, 2), 0
    yield "rgba-16.png", png(deep, 16, 6), 0
    yield "interlaced.png", png(flat[:, :, :3], 8, 2, interlaced=True), 0
    yield "orientation-6.png", encoded(rgb(), "PNG", exif=turned(6)), 0
    frames = [rgb(), ImageOps.invert(rgb())]
    yield "animated.png", encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]), 0


def webps():
    yield "lossless.webp", encoded(rgb(), "WEBP", lossless=True), 0
    yield "lossless-alpha.webp", encoded(rgba(), "WEBP", lossless=True, exact=True), 0
    yield "lossy.webp", encoded(rgb(), "WEBP", quality=80), 2
    yield "lossy-alpha.webp", encoded(rgba(), "WEBP", quality=80, exact=True), 2
    frames = [rgb(), ImageOps.invert(rgb())]
    yield "animated.webp", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True), 0
    yield "orientation-6.webp", encoded(rgb(), "WEBP", lossless=True, exif=turned(6)), 0


def gifs():
    yield "palette.gif", encoded(rgb().quantize(32), "GIF"), 0
    yield "transparent.gif", encoded(rgb().quantize(32), "GIF", transparency=5), 0
    yield "grey.gif", encoded(rgb().convert("L"), "GIF", interlace=0), 0
    frames = [rgb().quantize(32), ImageOps.invert(rgb()).quantize(32)]
    yield "animated.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), 0
    for name, options in (("open-canvas.gif", {}), ("open-canvas-transparent.gif", {"transparency": 5})):
        plain = encoded(rgb().quantize(32), "GIF", **options)
        yield name, plain[:6] + struct.pack("<HH", WIDTH + 10, HEIGHT + 6) + plain[10:], 0


def bmps():
    yield "rgb.bmp", encoded(rgb(), "BMP"), 0
    yield "rgba.bmp", encoded(rgba(), "BMP"), 0
    yield "grey.bmp", encoded(rgb().convert("L"), "BMP"), 0
    yield "palette.bmp", encoded(rgb().quantize(16), "BMP"), 0
    yield "one-bit.bmp", encoded(rgb().convert("1"), "BMP"), 0


def tiffs():
    deep = (picture() * 65535).astype(np.uint16)
    for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield f"rgb-{name}.tif", encoded(rgb(), "TIFF", compression=None if name == "raw" else name), 0
    yield "rgba.tif", encoded(rgba(), "TIFF"), 0
    yield "grey.tif", encoded(rgb().convert("L"), "TIFF"), 0
    yield "grey-alpha.tif", encoded(rgba().convert("LA"), "TIFF"), 0
    yield "one-bit.tif", encoded(rgb().convert("1"), "TIFF"), 0
    yield "fax.tif", encoded(rgb().convert("1"), "TIFF", compression="group4"), 0
    yield "palette.tif", encoded(rgb().quantize(32), "TIFF"), 0
    yield "palette-lzw.tif", encoded(rgb().quantize(32), "TIFF", compression="tiff_lzw"), 0
    yield "cmyk.tif", encoded(cmyk(), "TIFF"), 0
    yield "grey-16.tif", encoded(Image.fromarray(deep[:, :, 0]), "TIFF"), 0
    yield "big-endian-16.tif", encoded(Image.frombytes("I;16B", (WIDTH, HEIGHT), deep[:, :, 0].astype(">u2").tobytes()), "TIFF"), 0
    yield "jpeg.tif", encoded(rgb(), "TIFF", compression="jpeg", quality=90), 3
    yield "ycbcr.tif", encoded(rgb().convert("YCbCr"), "TIFF"), 1
    yield "orientation-6.tif", encoded(rgb(), "TIFF", exif=turned(6)), 0
    yield "two-images.tif", encoded(rgb(), "TIFF", save_all=True, append_images=[ImageOps.invert(rgb())]), 0


def transparent():
    two = glyph(BLACK, WHITE)
    yield "glyph-black.png", encoded(glyph(BLACK, BLACK), "PNG"), 0
    yield "glyph-white.png", encoded(glyph(WHITE, WHITE), "PNG"), 0
    yield "glyph-grey.png", encoded(glyph(GREY, GREY), "PNG"), 0
    yield "glyph-black-and-white.png", encoded(two, "PNG"), 0
    yield "glyph-shadow.png", encoded(glyph(WHITE, RED, shadow=BLACK), "PNG"), 0
    yield "glyph-opaque.png", encoded(rgb().convert("RGBA"), "PNG"), 0
    yield "glyph-key.png", encoded(glyph(WHITE, RED).convert("RGB"), "PNG", transparency=(0, 0, 0)), 0
    yield "glyph-key-1.png", encoded(glyph(WHITE, WHITE).convert("1"), "PNG", transparency=0), 0
    yield "glyph-grey-alpha.png", encoded(glyph(WHITE, WHITE).convert("LA"), "PNG"), 0
    yield "glyph-white.gif", encoded(glyph(WHITE, WHITE), "GIF"), 0
    yield "glyph-white.webp", encoded(glyph(WHITE, WHITE), "WEBP", lossless=True), 0
    yield "glyph-lossy.webp", encoded(glyph(WHITE, WHITE, shadow=BLACK), "WEBP", quality=80), 2
    frames = [glyph(WHITE, WHITE), two]
    yield "animated-alpha.webp", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True), 0
    yield "glyph.bmp", bmp_with_alpha(glyph(RED, WHITE, shadow=BLACK)), 0
    yield "associated.tif", associated(rgba()), 0
    yield "associated-black.tif", associated(glyph(BLACK, BLACK)), 0
    yield "unspecified.tif", encoded(Image.frombytes("RGBX", two.size, two.tobytes()), "TIFF"), 0
    yield "orientation-6-alpha.png", encoded(glyph(WHITE, RED), "PNG", exif=turned(6)), 0


def expected(data):
    image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I;16"):
        # PIL clips these samples to 255 and loses the picture. Of 16-bit RGB it uses the upper byte.
        image = Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    return np.asarray(over_background(ImageOps.exif_transpose(image)))


def main():
    HERE.mkdir(exist_ok=True)
    for old in HERE.iterdir():
        old.unlink()
    pixels = b""
    lines = []
    for kind in (jpegs, pngs, webps, gifs, bmps, tiffs, transparent):
        for name, data, tolerance in kind():
            (HERE / name).write_bytes(data)
            array = expected(data)
            height, width = array.shape[:2]
            lines.append({"file": name, "width": width, "height": height, "tolerance": tolerance})
            pixels += array.tobytes()
    (HERE / "expected.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (HERE / "expected.rgb.zst").write_bytes(zstandard.compress(pixels, 19))


main()
