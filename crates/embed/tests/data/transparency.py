"""Blends transparent images with PIL as `src/decode/blend.rs` does, for the scripts in this folder."""

import math

import numpy as np
from PIL import Image

BACKGROUNDS = ((255, 255, 255), (0, 0, 0), (128, 128, 128), (255, 0, 255), (0, 255, 0))
NEAR = 48
MOST_LOST = 50


def background(pixels):
    """Returns the background on which the outline of an RGBA array is visible."""
    pixels = pixels.astype(np.int64)
    lost = [0] * len(BACKGROUNDS)
    for first, second in ((pixels[:, :-1], pixels[:, 1:]), (pixels[:-1], pixels[1:])):
        step = np.abs(first[..., 3] - second[..., 3])
        colour = np.where(first[..., 3:] > second[..., 3:], first[..., :3], second[..., :3])
        for i, below in enumerate(BACKGROUNDS):
            distance = np.abs(colour - np.array(below)).max(axis=-1)
            lost[i] += int((step * np.clip(NEAR - distance, 0, None)).sum())
    side = math.isqrt(pixels.shape[0] * pixels.shape[1])
    enough = [below for below, length in zip(BACKGROUNDS, lost) if length * MOST_LOST <= 255 * NEAR * side]
    return enough[0] if enough else BACKGROUNDS[lost.index(min(lost))]


def over_background(image):
    """Converts an image of any mode to RGB and blends its alpha with a background."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    low, high = image.getchannel("A").getextrema()
    if low == high:
        return image.convert("RGB")
    below = Image.new("RGBA", image.size, background(np.asarray(image)) + (255,))
    return Image.alpha_composite(below, image).convert("RGB")
