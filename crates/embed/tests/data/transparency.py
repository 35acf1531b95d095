"""Blends transparent images as `src/decode/blend.rs` does, by PIL: the slow twin, for the scripts beside it."""

import numpy as np
from PIL import Image

BACKGROUNDS = ((255, 255, 255), (0, 0, 0), (128, 128, 128), (255, 0, 255), (0, 255, 0))
NEAR = 48
MOST_LOST = 50


def background(pixels):
    """The colour that the outline of an RGBA array can be seen on."""
    pixels = pixels.astype(np.int64)
    total, lost = 0, [0] * len(BACKGROUNDS)
    for first, second in ((pixels[:, :-1], pixels[:, 1:]), (pixels[:-1], pixels[1:])):
        weight = (first[..., 3] - second[..., 3]) ** 2
        colour = np.where(first[..., 3:] > second[..., 3:], first[..., :3], second[..., :3])
        total += int(weight.sum()) * NEAR
        for i, below in enumerate(BACKGROUNDS):
            distance = np.abs(colour - np.array(below)).max(axis=-1)
            lost[i] += int((weight * np.clip(NEAR - distance, 0, None)).sum())
    enough = [below for below, part in zip(BACKGROUNDS, lost) if part * MOST_LOST <= total]
    return enough[0] if enough else BACKGROUNDS[lost.index(min(lost))]


def over_background(image):
    """An image of any mode as RGB, without its alpha if it has one."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    low, high = image.getchannel("A").getextrema()
    if low == high:
        return image.convert("RGB")
    below = Image.new("RGBA", image.size, background(np.asarray(image)) + (255,))
    return Image.alpha_composite(below, image).convert("RGB")
