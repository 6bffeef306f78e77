"""Seconds per training step with 8-bit weights and activations, over plain training: ours and two other toolkits.

python benchmark/quantize_aware_step.py [--rounds 9] [--hgq2-python PATH] [--qkeras-python PATH]

Every contender trains the same ResNet-20 (batch 128, momentum, float32 or 8 bits) in a process of its own, which waits
while the others work. In every round each of them does the same number of steps, one after the other, so that a machine
that slows down slows all of them; ratios are medians over the rounds. HGQ2 and qkeras-v3 are measured where the Python
of an environment is given that has them (benchmark/requirements.txt). The last line is one JSON object.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BATCH, CLASSES, STEPS = 128, 10, 4
ROOT = pathlib.Path(__file__).resolve().parent.parent


def resnet20(layers: Mapping[str, Callable[..., Any]]) -> Any:
    """Returns ResNet-20 for 32 x 32 pictures, made of the layers of a toolkit.

    Args:
        layers: makers of `inputs`, `convolution`, `normalization`, `relu`, `add`, `pool` and `dense`.
    """
    import keras

    inputs = keras.Input((32, 32, 3), name="image")
    x = layers["inputs"](inputs)
    x = layers["relu"](layers["normalization"](layers["convolution"](16, 1)(x)))
    for width in (16, 32, 64):
        for block in range(3):
            stride = 2 if width > 16 and block == 0 else 1
            shortcut = layers["convolution"](width, stride, 1)(x) if stride == 2 else x
            y = layers["relu"](layers["normalization"](layers["convolution"](width, stride)(x)))
            y = layers["normalization"](layers["convolution"](width, 1)(y))
            x = layers["relu"](layers["add"]([y, shortcut]))
    return keras.Model(inputs, layers["dense"](CLASSES)(layers["pool"](x)))


def plain() -> Any:
    """Returns the network in float32."""
    import keras

    return resnet20(
        {
            "inputs": lambda x: x,
            "convolution": lambda width, stride, size=3: keras.layers.Conv2D(
                width, size, stride, padding="same", use_bias=False
            ),
            "normalization": lambda x: keras.layers.BatchNormalization()(x),
            "relu": lambda x: keras.layers.ReLU()(x),
            "add": lambda pair: keras.layers.Add()(pair),
            "pool": lambda x: keras.layers.GlobalAveragePooling2D()(x),
            "dense": keras.layers.Dense,
        }
    )


def ours() -> Any:
    """Returns the network prepared by `quantize_aware` as it comes: int8 for each channel, uint8, folded."""
    sys.path.insert(0, str(ROOT))
    from source.compressor.build import compressor

    return compressor("quantize_aware").prepare(plain())


def qkeras() -> Any:
    """Returns the network of qkeras-v3 with 8-bit kernels for each channel and 8-bit activations."""
    import keras
    from qkeras import QActivation, QConv2D, QDense, quantized_bits

    def kernel() -> Any:
        return quantized_bits(8, 0, 1, alpha="auto")

    return resnet20(
        {
            "inputs": lambda x: QActivation(quantized_bits(8, 2, 1))(x),
            "convolution": lambda width, stride, size=3: QConv2D(
                width, size, stride, padding="same", use_bias=False, kernel_quantizer=kernel()
            ),
            "normalization": lambda x: keras.layers.BatchNormalization()(x),
            "relu": lambda x: QActivation("quantized_relu(8, 3)")(x),
            "add": lambda pair: keras.layers.Add()(pair),
            "pool": lambda x: QActivation("quantized_relu(8, 3)")(keras.layers.GlobalAveragePooling2D()(x)),
            "dense": lambda width: QDense(width, kernel_quantizer=kernel(), bias_quantizer=quantized_bits(16, 7, 1)),
        }
    )


def hgq2() -> Any:
    """Returns the network of HGQ2 with 8-bit kernels and 8-bit inputs of layers, without its cost of operations."""
    import keras
    from hgq.config import LayerConfigScope, QuantizerConfigScope
    from hgq.layers import QConv2D, QDense

    bits = {"default_q_type": "kbi", "b0": 7, "i0": 2}  # and a sign
    with (
        QuantizerConfigScope(place="all", **bits),
        LayerConfigScope(enable_ebops=False, enable_oq=False),
    ):
        return resnet20(
            {
                "inputs": lambda x: x,
                "convolution": lambda width, stride, size=3: QConv2D(
                    width, size, stride, padding="same", use_bias=False
                ),
                "normalization": lambda x: keras.layers.BatchNormalization()(x),
                "relu": lambda x: keras.layers.ReLU()(x),
                "add": lambda pair: keras.layers.Add()(pair),
                "pool": lambda x: keras.layers.GlobalAveragePooling2D()(x),
                "dense": QDense,
            }
        )


CONTENDERS = {"plain": plain, "ours": ours, "hgq2": hgq2, "qkeras": qkeras}


def work(name: str) -> None:
    """Does a round of steps for every line of standard input, and prints its seconds."""
    import keras
    import numpy as np
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = CONTENDERS[name]()
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    optimizer.build(model.trainable_variables)
    random = np.random.default_rng(0)
    images = tf.constant(random.normal(size=(BATCH, 32, 32, 3)), tf.float32)
    labels = tf.constant(random.integers(CLASSES, size=BATCH), tf.int32)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
            if model.losses:  # of toolkits whose layers add some
                loss += tf.add_n(model.losses)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    step()
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        for _ in range(STEPS):
            step()
        print(time.perf_counter() - started, flush=True)


class Contender:
    """A process that does a round of steps when it is told to."""

    def __init__(self, name: str, python: str) -> None:
        command = [python, __file__, "--worker", name]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._name = name
        while (line := self._line()) != "ready":
            print(f"{name}: {line}", file=sys.stderr)

    def round(self) -> float:
        """Returns the seconds of a step."""
        self._process.stdin.write("go\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        return float(self._line()) / STEPS

    def end(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def _line(self) -> str:
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise SystemExit(f"{self._name} ended: {self._process.communicate()[1][-2000:]}")
        return line.strip()


def measure(pythons: Mapping[str, str], rounds: int) -> dict[str, Any]:
    """Returns milliseconds of a step of each contender, and the ratios."""
    contenders = {name: Contender(name, python) for name, python in pythons.items()}
    seconds = [{name: each.round() for name, each in contenders.items()} for _ in range(rounds + 1)][1:]
    for each in contenders.values():
        each.end()
    results = {f"{name}_ms": round(1e3 * statistics.median(one[name] for one in seconds), 1) for name in pythons}
    pairs = {"ours_over_plain": ("ours", "plain")}
    for peer in pythons.keys() - {"plain", "ours"}:
        pairs |= {f"{peer}_over_ours": (peer, "ours"), f"{peer}_over_plain": (peer, "plain")}
    ratios = {name: statistics.median(one[a] / one[b] for one in seconds) for name, (a, b) in pairs.items()}
    return results | {name: round(ratio, 3) for name, ratio in ratios.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds that count, after one that does not")
    parser.add_argument("--hgq2-python", help="Python of an environment with HGQ2")
    parser.add_argument("--qkeras-python", help="Python of an environment with qkeras-v3")
    parser.add_argument("--worker", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker)
        return
    given = {"hgq2": arguments.hgq2_python, "qkeras": arguments.qkeras_python}
    peers = {name: python for name, python in given.items() if python}
    results = measure({"plain": sys.executable, "ours": sys.executable, **peers}, arguments.rounds)
    about = {"benchmark": "quantize_aware_step", "cpus": os.cpu_count(), "batch": BATCH, "rounds": arguments.rounds}
    print(json.dumps(about | results))


if __name__ == "__main__":
    main()
