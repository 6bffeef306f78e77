"""Tiny data sets made on the fly, and the batches of an inputter as NumPy arrays."""

import gzip
import io
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

SIDE, CLASSES, COUNT = 8, 3, 23


def images(count=COUNT, height=SIDE, width=SIDE, depth=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, depth)).astype(np.uint8)


def labels(count=COUNT, classes=CLASSES):
    return np.arange(count) % classes


def encoded(pixels, kind="PNG", **options):
    buffer = io.BytesIO()
    pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def write_csv(folder, name="train.csv", count=COUNT, seed=0, sizes=None):
    """Writes images and a CSV file that lists them; returns its path."""
    rows = []
    stem = Path(name).stem
    for index, label in enumerate(labels(count)):
        height, width = sizes[index % len(sizes)] if sizes else (SIDE, SIDE)
        path = folder / stem / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(images(1, height, width, seed=1000 * seed + index)[0]))
        rows.append(f"{stem}/{index}.png,{label}\n")
    (folder / name).write_text("".join(rows))
    return folder / name


def write_folders(root, count=COUNT, seed=0, names=("ants", "bees", "cats")):
    for index, label in enumerate(labels(count)):
        path = root / names[label] / ("deep" if index % 2 else ".") / f"{index:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(images(1, seed=1000 * seed + index)[0]))
    return root


def write_idx(path, values):
    header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    contents = header + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(contents) if path.suffix == ".gz" else contents)


def write_mnist(folder, train=COUNT, test=11):
    for name, count, seed in (("train", train, 0), ("t10k", test, 1)):
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", images(count, depth=1, seed=seed)[..., 0])
        write_idx(folder / f"{name}-labels-idx1-ubyte.gz", labels(count))
    return folder


def write_npz(path, train=COUNT, test=11):
    np.savez(path, x_train=images(train), y_train=labels(train), x_test=images(test, seed=1), y_test=labels(test))
    return path


def write_tfrecord(path, count=COUNT, seed=0, without=()):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for image, label in zip(images(count, seed=seed), labels(count), strict=True):
            features = {
                "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded(image)])),
                "image/class/label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
            }
            kept = {name: value for name, value in features.items() if name not in without}
            writer.write(tf.train.Example(features=tf.train.Features(feature=kept)).SerializeToString())
    return path


def take(inputter, count, split="train", **options):
    """Returns the first batches of a split as dictionaries of arrays."""
    batches = inputter.input_fn(split, **options).take(count)
    return [{name: value.numpy() for name, value in batch.items()} for batch in batches]


def same(ours, others):
    """Asserts that two lists of batches are equal bit for bit."""
    assert len(ours) == len(others) > 0
    for one, other in zip(ours, others, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
