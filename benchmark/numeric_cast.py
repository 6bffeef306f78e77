"""Seconds of rounding 16.8 million float32 numbers to formats, over those of a plain `tf.round(x * s) / s`.

python benchmark/numeric_cast.py [--rounds 15]

Each contender is one `tf.function`, as a graph and compiled by XLA. In every round each of them runs once, one after
the other, so that a machine that slows down slows all of them; the ratios are medians over the rounds. The last line
is one JSON object; its fields `*_over_round` are those of graphs.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

from source.numeric import number_format

FORMATS = {"bfp": "BFP[8|8]{64}", "fp": "FP[1|4|3,7]", "xp": "XP[8,4]", "mxfp4": "mxfp4"}
SHAPE = (16384, 1024)
Contender = Callable[[tf.Tensor], tf.Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    x = tf.random.stateless_normal(SHAPE, seed=(0, 0))
    seconds = {
        f"{name}{ending}": measured
        for ending, compiled in (("", False), ("_compiled", True))
        for name, measured in measure(contenders(compiled), x, rounds).items()
    }
    print(json.dumps(summary(seconds)))


def contenders(compiled: bool) -> dict[str, Contender]:
    """Returns the plain rounding and one function a format."""
    scale = tf.constant(16.0)
    functions: dict[str, Contender] = {"round": lambda x: tf.round(x * scale) / scale}
    functions |= {name: number_format(text).round for name, text in FORMATS.items()}
    return {name: tf.function(function, jit_compile=compiled) for name, function in functions.items()}


def measure(functions: dict[str, Contender], x: tf.Tensor, rounds: int) -> dict[str, list[float]]:
    """Returns the seconds of every function in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function(x)
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function(x)[0, 0].numpy()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def summary(seconds: dict[str, list[float]]) -> dict:
    def ratio(name: str, ending: str) -> float:
        pairs = zip(seconds[name + ending], seconds["round" + ending], strict=True)
        return round(statistics.median(ours / plain for ours, plain in pairs), 3)

    median = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        **{f"{name}_over_round": ratio(name, "") for name in FORMATS},
        **{f"{name}_over_round_compiled": ratio(name, "_compiled") for name in FORMATS},
        "million_elements_per_second": {
            name: round(SHAPE[0] * SHAPE[1] / 1e6 / value) for name, value in median.items()
        },
        "formats": FORMATS,
        "cores": os.cpu_count(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


if __name__ == "__main__":
    main()
