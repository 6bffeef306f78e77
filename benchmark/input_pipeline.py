"""Images per second from CSV + PNG with decoding and the CIFAR augmentation, against Keras and a hand-tuned pipeline.

Four pipelines do the same work on the same 32x32 PNG files: read, decode, pad by 4, crop 32x32 at random, mirror at
random, standardise each image, batches of 128. They are measured in turns in one process; a ratio is the median of
the ratios of the rounds, so that what else the machine does falls on all alike.

* cold: ours with cache="never", decoding in every epoch.
* default: ours as it comes, which keeps decoded images in memory when they fit.
* keras: keras.utils.image_dataset_from_directory and preprocessing layers, as Keras' documentation shows it.
* handtuned: from_tensor_slices, shuffle, map(decode + augment, AUTOTUNE), batch, prefetch(AUTOTUNE).

The last line is one JSON object.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf

from source.augmenter import cifar_augmenter
from source.inputter import image_classification_csv_inputter

SIDE, PAD, CLASSES = 32, 4, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3000, help="PNG files (default 3000)")
    parser.add_argument("--batch-size", type=int, default=128, help="images in a batch (default 128)")
    parser.add_argument("--steps", type=int, default=100, help="batches a measurement (default 100)")
    parser.add_argument("--rounds", type=int, default=9, help="measurements of each pipeline (default 9)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images, source = real_images(arguments.images) or made_images(arguments.images)
        write_files(Path(folder), images)
        print(f"{len(images)} images, {source}; {os.cpu_count()} cores; TensorFlow {tf.__version__}", flush=True)
        rates = measure(pipelines(Path(folder), arguments.batch_size), arguments)
    print(json.dumps(summary(rates, source)))


def pipelines(folder: Path, batch: int) -> dict[str, Callable[[], tf.data.Dataset]]:
    return {
        "cold": lambda: ours(folder, batch, "never"),
        "default": lambda: ours(folder, batch, "auto"),
        "keras": lambda: keras_documented(folder, batch),
        "handtuned": lambda: handtuned(folder, batch),
    }


def ours(folder: Path, batch: int, cache: str) -> tf.data.Dataset:
    config = image_classification_csv_inputter.Config(
        train_dataset_meta=str(folder / "train.csv"), batch_size_per_gpu=batch, cache=cache
    )
    augmenter = cifar_augmenter.build(
        cifar_augmenter.Config(pad=PAD, brightness=0.0, contrast_low=1.0, contrast_high=1.0)
    )
    return image_classification_csv_inputter.build(config, augmenter).input_fn()


def keras_documented(folder: Path, batch: int) -> tf.data.Dataset:
    dataset = keras.utils.image_dataset_from_directory(
        folder / "images", image_size=(SIDE, SIDE), batch_size=batch, shuffle=True, seed=0, verbose=False
    )
    augment = keras.Sequential(
        [
            keras.layers.ZeroPadding2D(PAD),
            keras.layers.RandomCrop(SIDE, SIDE),
            keras.layers.RandomFlip("horizontal"),
        ]
    )

    def prepare(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.image.per_image_standardization(augment(images, training=True)), labels

    return dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE).repeat()


def handtuned(folder: Path, batch: int) -> tf.data.Dataset:
    rows = [line.split(",") for line in (folder / "train.csv").read_text().splitlines()]
    paths = [str(folder / path) for path, _ in rows]
    labels = [int(label) for _, label in rows]

    def prepare(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_png(tf.io.read_file(path), channels=3)
        image = tf.pad(tf.ensure_shape(image, (SIDE, SIDE, 3)), [[PAD, PAD], [PAD, PAD], [0, 0]])
        image = tf.image.random_flip_left_right(tf.image.random_crop(image, (SIDE, SIDE, 3)))
        return tf.image.per_image_standardization(image), label

    dataset = tf.data.Dataset.from_tensor_slices((paths, labels)).shuffle(len(paths)).repeat()
    dataset = dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(batch, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def measure(
    builders: dict[str, Callable[[], tf.data.Dataset]], arguments: argparse.Namespace
) -> dict[str, list[float]]:
    """Returns images per second of each pipeline, round by round."""
    datasets = {name: build() for name, build in builders.items()}
    rates: dict[str, list[float]] = {name: [] for name in builders}
    for number in range(arguments.rounds):
        for name, dataset in datasets.items():
            # A new iterator each time: one that is kept would go on prefetching while the others are measured.
            iterator = iter(dataset)
            seconds(iterator, arguments.steps // 2)
            rates[name].append(arguments.steps * arguments.batch_size / seconds(iterator, arguments.steps))
            del iterator
        line = "  ".join(f"{name} {rates[name][-1]:>8,.0f}" for name in rates)
        print(f"round {number + 1}: {line} images/s", flush=True)
    return rates


def seconds(iterator: Iterator, steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        next(iterator)
    return time.perf_counter() - start


def summary(rates: dict[str, list[float]], source: str) -> dict:
    def ratio(ours: str, peer: str) -> float:
        return round(statistics.median(a / b for a, b in zip(rates[ours], rates[peer], strict=True)), 3)

    return {
        "images_per_second": {name: round(statistics.median(values)) for name, values in rates.items()},
        "cold_over_keras": ratio("cold", "keras"),
        "cold_over_handtuned": ratio("cold", "handtuned"),
        "default_over_keras": ratio("default", "keras"),
        "images": source,
        "cores": os.cpu_count(),
        "tensorflow": tf.__version__,
    }


def real_images(count: int) -> tuple[np.ndarray, str] | None:
    """Returns CIFAR-10 images from the strips of 500 below the folder that ESPALIER_DATA names, if they are there."""
    folder = Path(os.environ.get("ESPALIER_DATA", "")) / "cifar10"
    strips = sorted(folder.glob("train_*.webp")) if os.environ.get("ESPALIER_DATA") else []
    if not strips:
        return None
    each = -(-count // len(strips))
    parts = [
        tf.io.decode_webp(tf.io.read_file(str(strip)), channels=3).numpy().reshape(-1, SIDE, SIDE, 3)[:each]
        for strip in strips
    ]
    return np.concatenate(parts)[:count], "CIFAR-10"


def made_images(count: int) -> tuple[np.ndarray, str]:
    """Returns pictures of a bright disc on a smooth ground with some noise, seed 0."""
    random = np.random.default_rng(0)
    ground = tf.image.resize(random.integers(0, 256, (count, 4, 4, 3)), (SIDE, SIDE)).numpy()
    y, x = np.mgrid[:SIDE, :SIDE]
    centre, radius = random.uniform(8, 24, (2, count, 1, 1)), random.uniform(4, 10, (count, 1, 1))
    disc = np.hypot(y - centre[0], x - centre[1]) < radius
    images = ground * 0.7 + 70.0 * disc[..., np.newaxis] + random.normal(0, 4, ground.shape)
    return np.clip(images, 0, 255).astype(np.uint8), "made of discs and noise"


def write_files(folder: Path, images: np.ndarray) -> None:
    """Writes images/<class>/<number>.png and train.csv."""
    rows = []
    for number, image in enumerate(images):
        path = f"images/{number % CLASSES}/{number:05d}.png"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(tf.io.encode_png(image).numpy())
        rows.append(f"{path},{number % CLASSES}\n")
    (folder / "train.csv").write_text("".join(rows))


if __name__ == "__main__":
    main()
