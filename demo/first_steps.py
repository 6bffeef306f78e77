"""First steps: train a network on real handwritten digits, evaluate it, and look at its predictions.

python demo/first_steps.py

The 1,797 digits come with scikit-learn, so nothing is downloaded. Everything that the run leaves is below
runs/first_steps; run again, it says that training is complete and evaluates what is there.
"""

import json
import os
import pathlib
import sys
from importlib import import_module

# Read when TensorFlow is loaded: greet less, and leave out kernels that round differently from CPU to CPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

from espalier import (
    ImageClassificationCallbackConfig,
    ImageClassificationInputterConfig,
    ImageClassificationModelerConfig,
    RunnerConfig,
)
from source.command.mistakes import report_mistakes

CALLBACKS = (
    "train_basic",
    "eval_basic",
    "infer_basic",
    "progress",
    "train_summary",
    "eval_summary",
    "metrics_log",
    "nan_guard",
    "eval_accuracy",
    "infer_display_image_classification",
)


def assemble(model_dir, epochs):
    """Returns a runner: an inputter, a network in a modeler, and callbacks, each found by its name."""
    inputter_config = ImageClassificationInputterConfig(
        batch_size_per_gpu=32, epochs=epochs, image_height=28, image_width=28, image_depth=1, num_classes=10
    )
    modeler_config = ImageClassificationModelerConfig(
        batch_size_per_gpu=32, num_classes=10, optimizer="momentum", learning_rate=0.02, lr_method="cosine"
    )
    callback_config = ImageClassificationCallbackConfig(model_dir=model_dir, save_checkpoints_steps=200)
    runner_config = RunnerConfig(evaluate_every_epochs=5)

    augmenter = import_module("source.augmenter.normalize")
    inputter = import_module("source.inputter.digits").build(inputter_config, augmenter)
    network = import_module("source.network.lenet5")
    modeler = import_module("source.modeler.image_classification_modeler").build(modeler_config, network)
    callbacks = [import_module(f"source.callback.{name}").build(callback_config) for name in CALLBACKS]
    runner = import_module("source.runner.single_device_runner")
    return runner.build(runner_config, inputter, modeler, callbacks)


def main(model_dir="runs/first_steps", epochs=30) -> int:
    folder = pathlib.Path(model_dir)
    runner = assemble(folder, epochs)
    train, held_out = (runner.inputter.get_num_samples(split) for split in ("train", "evaluate"))
    print(f"Training LeNet-5 for {epochs} epochs on {train:,} handwritten digits; {held_out:,} are held out.")
    runner.train()

    print(f"\nEvaluating on the {held_out:,} digits that it has never seen.")
    result = runner.evaluate()
    (folder / "report.json").write_text(json.dumps({"step": result.step, **result.metrics}, indent=2) + "\n")

    print("\nPredicting them.")
    runner.infer()

    print(f"\n{result.metrics['accuracy']:.2%} of the held-out digits are right. Look at")
    for name, meaning in (
        ("infer/predictions.png", "pictures with what the network takes them for"),
        ("report.json", "the result of the evaluation"),
        ("metrics.csv", "loss and accuracy as training went on; the same in metrics.jsonl"),
        ("checkpoints", "the state of the run: start again and it goes on from here"),
        ("run.json", "settings and versions"),
    ):
        print(f"  {folder / name!s:<40}  {meaning}")
    print(f"  {f'tensorboard --logdir {folder}':<40}  curves")
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("first_steps.py", main))
