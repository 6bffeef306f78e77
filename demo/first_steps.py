"""First steps: train a network on real handwritten digits, evaluate it, and look at its predictions.

python demo/first_steps.py

The 1,797 digits come with scikit-learn, so nothing is downloaded. Everything that the run leaves is below
runs/first_steps; run again, it says that training is complete and evaluates what is there.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from importlib import import_module

from source.command.mistakes import report_mistakes
from source.config.config import RunnerConfig
from source.config.image_classification_config import (
    ImageClassificationCallbackConfig,
    ImageClassificationInputterConfig,
    ImageClassificationModelerConfig,
)

RUN = pathlib.Path("runs/first_steps")
CALLBACKS = (
    "train_basic",
    "eval_basic",
    "infer_basic",
    "progress",
    "train_summary",
    "metrics_log",
    "nan_guard",
    "eval_accuracy",
    "infer_display_image_classification",
)


def assemble(model_dir: pathlib.Path, epochs: float = 30):
    """Returns a runner: an inputter, a network in a modeler, and callbacks, each found by its name."""
    inputter_config = ImageClassificationInputterConfig(
        batch_size_per_gpu=32, epochs=epochs, image_height=28, image_width=28, image_depth=1, num_classes=10
    )
    modeler_config = ImageClassificationModelerConfig(
        batch_size_per_gpu=32, num_classes=10, optimizer="momentum", learning_rate=0.02, lr_method="cosine"
    )
    callback_config = ImageClassificationCallbackConfig(model_dir=model_dir, save_checkpoints_steps=200)

    augmenter = import_module("source.augmenter.normalize")
    inputter = import_module("source.inputter.digits").build(inputter_config, augmenter)
    network = import_module("source.network.lenet5")
    modeler = import_module("source.modeler.image_classification_modeler").build(modeler_config, network)
    callbacks = [import_module(f"source.callback.{name}").build(callback_config) for name in CALLBACKS]
    runner = import_module("source.runner.single_device_runner")
    return runner.build(RunnerConfig(evaluate_every_epochs=5), inputter, modeler, callbacks)


def main() -> int:
    runner = assemble(RUN)
    runner.train()
    result = runner.evaluate()
    runner.infer()
    report = {"step": result.step, **result.metrics}
    (RUN / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    accuracy, examples = result.metrics["accuracy"], result.metrics["examples"]
    print(f"\n{accuracy:.2%} of {examples:.0f} held-out digits are right. Look at:")
    for name in ("checkpoints", "metrics.jsonl", "infer/predictions.png", "report.json", "run.json"):
        print(f"  {RUN / name}")
    print(f"  tensorboard --logdir {RUN}")
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("first_steps.py", main))
