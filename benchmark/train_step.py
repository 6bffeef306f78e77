"""Seconds per training step of our runner against `keras.Model.fit` and against a hand-written graph loop.

python benchmark/train_step.py [--rounds 9]

All contenders train the same network with the same optimizer on batches of the same pipeline. In every round each of
them does the same number of steps, one after the other, so that a machine that slows down slows all of them; the
ratios are medians over the rounds. The last line is one JSON object.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

from source.callback.callback import Callback, Run, Window
from source.callback.schedule import EverySteps, Schedule
from source.config.config import CallbackConfig, RunnerConfig
from source.config.image_classification_config import ImageClassificationModelerConfig

CASES = {
    "lenet5": {"network": "lenet5", "side": 28, "depth": 1, "batch": 32, "steps": 200},
    "resnet20": {"network": "resnet20", "side": 32, "depth": 3, "batch": 128, "steps": 10},
}
STEPS_PER_EXECUTION = (1, 10, 50)


def make_inputter(case: Mapping[str, Any]) -> Any:
    module = import_module("source.inputter.image_classification_syn_inputter")
    config = module.Config(
        batch_size_per_gpu=case["batch"],
        epochs=1000,
        image_height=case["side"],
        image_width=case["side"],
        image_depth=case["depth"],
        num_samples=case["batch"] * 20,
    )
    return module.build(config, import_module("source.augmenter.normalize"))


def make_model(case: Mapping[str, Any]) -> keras.Model:
    keras.utils.set_random_seed(0)
    network = import_module(f"source.network.{case['network']}")
    return network.build(network.Config(), keras.Input((case["side"], case["side"], case["depth"])))


def make_fit(case: Mapping[str, Any], inputter: Any, steps_per_execution: int) -> Callable[[], None]:
    """Returns a function that lets `fit` do the steps of a round."""
    model = make_model(case)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=min(steps_per_execution, case["steps"]),
    )
    batches = inputter.input_fn("train").map(lambda batch: (batch["image"], batch["label"]))
    return lambda: model.fit(batches, steps_per_epoch=case["steps"], shuffle=False, verbose=0)


def make_bare(case: Mapping[str, Any], inputter: Any) -> Callable[[], None]:
    """Returns a function that does the steps of a round in a loop written by hand for this one case."""
    model = make_model(case)
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    optimizer.build(model.trainable_variables)
    weights = [weight.value for weight in model.trainable_variables]

    @tf.function
    def train(batches: Any, steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        loss_sum, accuracy_sum = tf.constant(0.0), tf.constant(0.0)
        for _ in tf.range(steps):
            batch = next(batches)
            with tf.GradientTape() as tape:
                logits = model(batch["image"], training=True)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(batch["label"], logits)
                loss = tf.reduce_mean(losses)
            optimizer.apply(tape.gradient(loss, weights), model.trainable_variables)
            hits = tf.equal(tf.argmax(logits, 1, tf.int32), batch["label"])
            loss_sum += loss
            accuracy_sum += tf.reduce_mean(tf.cast(hits, tf.float32))
        return loss_sum, accuracy_sum

    batches = iter(inputter.input_fn("train"))
    return lambda: [value.numpy() for value in train(batches, tf.constant(case["steps"]))]


class Rounds(Callback):
    """After every round of the runner's own steps, lets the others do theirs and notes all times."""

    def __init__(self, steps: int, others: Mapping[str, Callable[[], None]]) -> None:
        super().__init__(CallbackConfig())
        self._steps = steps
        self._others = others
        self.seconds: dict[str, list[float]] = {"ours": [], **{name: [] for name in others}}

    @property
    def schedule(self) -> Schedule:
        return EverySteps(self._steps)

    def after_step(self, run: Run, window: Window) -> None:
        self.seconds["ours"].append(window.seconds)
        for name, other in self._others.items():
            started = time.perf_counter()
            other()
            self.seconds[name].append(time.perf_counter() - started)


def measure(case: Mapping[str, Any], rounds: int) -> dict[str, float]:
    """Returns milliseconds per step of each contender and the ratios, medians over the rounds."""
    inputter = make_inputter(case)
    others = {f"fit_{steps}": make_fit(case, inputter, steps) for steps in STEPS_PER_EXECUTION}
    others["bare"] = make_bare(case, inputter)
    callback = Rounds(case["steps"], others)
    config = RunnerConfig(max_steps=case["steps"] * (rounds + 1), evaluate_every_epochs=0)
    network = import_module(f"source.network.{case['network']}")
    modeler_config = ImageClassificationModelerConfig(batch_size_per_gpu=case["batch"])
    modeler = import_module("source.modeler.image_classification_modeler").build(modeler_config, network)
    import_module("source.runner.single_device_runner").build(config, inputter, modeler, [callback]).train()
    counted = {name: seconds[1:] for name, seconds in callback.seconds.items()}  # the first round traces
    median = {name: statistics.median(seconds) for name, seconds in counted.items()}
    best = min((name for name in median if name.startswith("fit_")), key=median.__getitem__)
    return {
        **{f"{name}_ms": 1e3 * seconds / case["steps"] for name, seconds in median.items()},
        "fit_over_ours": ratio(counted["fit_1"], counted["ours"]),
        "best_fit_over_ours": ratio(counted[best], counted["ours"]),
        "ours_over_bare": ratio(counted["ours"], counted["bare"]),
    }


def ratio(numerator: list[float], denominator: list[float]) -> float:
    """Returns the median over the rounds of the ratio of two contenders."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds that count, after one that does not")
    parser.add_argument("--case", choices=CASES, action="append", help="which to measure; all by default")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"benchmark": "train_step", "cpus": os.cpu_count(), "rounds": arguments.rounds}
    for name in arguments.case or CASES:
        results[name] = {key: round(value, 4) for key, value in measure(CASES[name], arguments.rounds).items()}
        print(name, results[name], flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
