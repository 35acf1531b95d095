"""Blends transparent images as `src/decode/blend.rs` does, by PIL: the slow twin, for the scripts beside it."""

import numpy as np
from PIL import Image

BACKGROUNDS = (255, 0, 128)
NEAR = 48
MOST_LOST = 5


def background(pixels):
    """The shade that the outline of an RGBA array can be seen on."""
    pixels = pixels.astype(np.int64)
    total, lost = 0, [0, 0, 0]
    for first, second in ((pixels[:, :-1], pixels[:, 1:]), (pixels[:-1], pixels[1:])):
        weight = (first[..., 3] - second[..., 3]) ** 2
        colour = np.where(first[..., 3:] > second[..., 3:], first[..., :3], second[..., :3])
        total += int(weight.sum()) * NEAR
        for i, shade in enumerate(BACKGROUNDS):
            distance = np.abs(colour - shade).max(axis=-1)
            lost[i] += int((weight * np.clip(NEAR - distance, 0, None)).sum())
    enough = [shade for shade, part in zip(BACKGROUNDS, lost) if part * MOST_LOST <= total]
    return enough[0] if enough else BACKGROUNDS[lost.index(min(lost))]


def over_background(image):
    """An image of any mode as RGB, without its alpha if it has one."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    below = Image.new("RGBA", image.size, (background(np.asarray(image)),) * 3 + (255,))
    return Image.alpha_composite(below, image).convert("RGB")
