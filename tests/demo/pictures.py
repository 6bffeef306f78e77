"""A tiny data set on disk: pictures that are mostly red, green or blue."""

import random

from PIL import Image

SIDE = 12
CLASSES = 3


def write_pictures(folder, count=24, name="train.csv", seed=0):
    """Writes `count` PNG files and the CSV file that lists them with their labels; returns the CSV file."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        label = number % CLASSES
        colour = [draw.randrange(60) for _ in range(3)]
        colour[label] += 180
        picture = Image.new("RGB", (SIDE, SIDE), tuple(colour))
        picture.putpixel((draw.randrange(SIDE), draw.randrange(SIDE)), (255, 255, 255))
        file = folder / f"{seed}_{number}.png"
        picture.save(file)
        rows.append(f"{file.name},{label}\n")
    (folder / name).write_text("".join(rows))
    return folder / name
