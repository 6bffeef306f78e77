"""Latency, bytes and accuracy of an int8 LiteRT file of ResNet-8, beside its float file and MLPerf Tiny's int8 file.

ESPALIER_DATA=data python benchmark/exported_latency.py [--model finished.keras] [--rounds 300]

`--model` is a finished int8 ResNet-8, as docs/results.md trains it; without it, MLPerf Tiny's float weights are rounded
after training. The float file is of the same network without the rounding of activations. All files take one picture,
on one thread; those of integers have int8 inputs and outputs. MLPerf Tiny's file ends with a softmax, ours with logits.
In every round each file runs a block of pictures, one file after the other, so that a machine that slows down slows all
of them; latencies are medians over the rounds of the median of a block, ratios medians of the ratios of the rounds.

The folder that ESPALIER_DATA names holds `cifar10/test_<label>_<class>_<part>.webp`, strips of 32 x 32 pictures, and
`pretrained/mlperf_tiny` with the files of https://github.com/mlcommons/tiny. The last line is one JSON object.
"""

import argparse
import json
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from source.compressor.build import compressor
from source.config.config import NetworkConfig
from source.exporter._litert_integers import without_rounding
from source.exporter.artefact.artefact import size_on_disk
from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.build import export
from source.layer.load_model import load_model
from source.modeler import _naming, _pretrained
from source.network import resnet8

BLOCK = 50  # pictures that a file runs before the next one's turn
SIDE = 32


def pictures(folder: pathlib.Path, split: str, most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Returns images float32 (b, 32, 32, 3) in [0, 255] and labels, `most` of each strip."""
    images, labels = [], []
    for strip in sorted((folder / "cifar10").glob(f"{split}_*.webp")):
        decoded = tf.io.decode_webp(tf.io.read_file(str(strip)), channels=3).numpy().reshape(-1, SIDE, SIDE, 3)[:most]
        images.append(decoded)
        labels.append(np.full(len(decoded), int(strip.name.split("_")[1])))
    if not images:
        raise SystemExit(f"No pictures {folder / 'cifar10'}/{split}_*.webp. Let ESPALIER_DATA name the folder above.")
    return np.concatenate(images).astype(np.float32), np.concatenate(labels)


def rounded_after_training(folder: pathlib.Path) -> keras.Model:
    """Returns MLPerf Tiny's float network with weights and activations of 8 bits, limits found on training pictures."""
    model = resnet8.build(NetworkConfig(num_classes=10), keras.Input((SIDE, SIDE, 3)))
    file = folder / "pretrained" / "mlperf_tiny" / "pretrainedResnet.h5"
    _pretrained.restore(_naming.model_names(model), str(file), ())
    rounding = compressor("quantize_post_training")
    return rounding.finish(rounding.prepare(model, calibration=pictures(folder, "train", 5)[0]))


def write_files(model: keras.Model, folder: pathlib.Path, examples: np.ndarray) -> dict[str, pathlib.Path]:
    """Returns the integer and the float file of a network, written and verified."""
    integers, floats = folder / "int8.tflite", folder / "float32.tflite"
    one = {"batch_size": 1}
    print(export(model, integers, examples, input_type="int8", output_type="int8", precision="int8", **one))
    print(export(without_rounding(model), floats, examples, precision="float32", **one))
    return {"ours": integers, "float": floats}


def accuracy(path: pathlib.Path, images: np.ndarray, labels: np.ndarray) -> float:
    """Returns the share of pictures that a file gets right."""
    [outputs] = open_artefact(path, threads=1).run([images])
    return float((outputs.argmax(-1) == labels).mean())


class Contender:
    """A file that runs one picture at a time on one thread."""

    def __init__(self, path: pathlib.Path, image: np.ndarray) -> None:
        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        [given] = self._interpreter.get_input_details()
        scale, zero = given["quantization"]
        codes = np.clip(np.rint(image / scale) + zero, -128, 127) if scale else image
        self._interpreter.set_tensor(given["index"], codes.astype(given["dtype"])[np.newaxis])

    def block(self) -> float:
        """Returns the median seconds of the pictures of a block."""
        invoke, seconds = self._interpreter.invoke, []
        for _ in range(BLOCK):
            started = time.perf_counter()
            invoke()
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds)


def latencies(paths: Mapping[str, pathlib.Path], image: np.ndarray, rounds: int) -> dict[str, list[float]]:
    """Returns the seconds of a picture in every round, by file; which goes first changes from round to round."""
    contenders = {name: Contender(path, image) for name, path in paths.items()}
    seconds: dict[str, list[float]] = {name: [] for name in paths}
    for number in range(rounds + 5):
        names = list(contenders)
        start = number % len(names)
        for name in names[start:] + names[:start]:
            taken = contenders[name].block()
            if number >= 5:  # the first rounds warm up
                seconds[name].append(taken)
    return seconds


def ratio(numerator: list[float], denominator: list[float]) -> float:
    """Returns the median over the rounds of the ratio of two files."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, help="a finished int8 ResNet-8; else MLPerf's is rounded")
    parser.add_argument("--rounds", type=int, default=300, help="rounds that count, after five that do not")
    arguments = parser.parse_args()
    beside = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = pathlib.Path(os.environ.get("ESPALIER_DATA") or beside)
    model = load_model(arguments.model) if arguments.model else rounded_after_training(folder)
    images, labels = pictures(folder, "test")
    with tempfile.TemporaryDirectory() as temporary:
        paths = write_files(model, pathlib.Path(temporary), images[::40])
        paths["mlperf"] = folder / "pretrained" / "mlperf_tiny" / "pretrainedResnet_quant.tflite"
        seconds = latencies(paths, images[0], arguments.rounds)
        results: dict[str, Any] = {
            "benchmark": "exported_latency",
            "cpus": os.cpu_count(),
            "rounds": arguments.rounds,
            "model": "given" if arguments.model else "rounded after training",
            "int8_over_float": round(ratio(seconds["ours"], seconds["float"]), 4),
            "ours_over_mlperf": round(ratio(seconds["ours"], seconds["mlperf"]), 4),
            "mlperf_over_float": round(ratio(seconds["mlperf"], seconds["float"]), 4),
        }
        for name, path in paths.items():
            results[name] = {
                "bytes": size_on_disk(path),
                "median_us": round(1e6 * statistics.median(seconds[name]), 2),
                "accuracy": round(accuracy(path, images, labels), 4),
            }
            print(name, results[name], flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
