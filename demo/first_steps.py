"""First steps: train a network on real handwritten digits, look at its predictions, make it small, and ship it.

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

import numpy as np

import espalier
from espalier import (
    ImageClassificationCallbackConfig,
    ImageClassificationInputterConfig,
    ImageClassificationModelerConfig,
    RunnerConfig,
)
from source.command.mistakes import report_mistakes
from source.config.errors import MissingDependencyError
from source.exporter.comparison import compare

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


# What becomes of the compressed network; LiteRT and ONNX need the packages of the extra `export`.
FILES = ("small.esp", "small.tflite", "small.onnx")


def assemble(model_dir, epochs, learning_rate=0.02, callbacks=CALLBACKS, compressor=None, pretrained=None):
    """Returns a runner: an inputter, a network in a modeler, and callbacks, each found by its name."""
    inputter_config = ImageClassificationInputterConfig(
        batch_size_per_gpu=32, epochs=epochs, image_height=28, image_width=28, image_depth=1, num_classes=10
    )
    modeler_config = ImageClassificationModelerConfig(
        batch_size_per_gpu=32, num_classes=10, optimizer="momentum", learning_rate=learning_rate, lr_method="cosine"
    )
    callback_config = ImageClassificationCallbackConfig(
        model_dir=model_dir, save_checkpoints_steps=200, pretrained_model=pretrained
    )
    runner_config = RunnerConfig(evaluate_every_epochs=5)

    augmenter = import_module("source.augmenter.normalize")
    inputter = import_module("source.inputter.digits").build(inputter_config, augmenter)
    network = import_module("source.network.lenet5")
    modeler = import_module("source.modeler.image_classification_modeler").build(modeler_config, network, compressor)
    callbacks = [import_module(f"source.callback.{name}").build(callback_config) for name in callbacks]
    runner = import_module("source.runner.single_device_runner")
    return runner.build(runner_config, inputter, modeler, callbacks)


def compress(folder, runner, epochs):
    """Trains on with 90 % of the weights pruned and all rounded to 8 bits; returns the finished network."""
    steps = runner.modeler.max_step * epochs // runner.inputter.config.epochs
    pruning = {"sparsity": 0.9, "end_step": 2 * steps // 3, "every_steps": max(1, steps // 20)}
    members = [{"name": "magnitude_pruning", **pruning}, {"name": "quantize_aware"}]
    [checkpoint] = sorted((folder / "checkpoints").glob("checkpoint-*.npz"))[-1:]
    small = assemble(
        folder / "small",
        epochs,
        callbacks=("train_basic", "compression", "progress", "metrics_log"),
        compressor=espalier.compressor("chain", members=members),
        pretrained=str(checkpoint),
    )
    small.train()
    return espalier.load_model(folder / "small" / "finished.keras")


def ship(folder, runner, finished):
    """Writes both networks as files, each verified, and returns them compared on the held-out digits."""
    batches = list(runner.inputter.input_fn("evaluate"))
    real = np.concatenate([batch["weight"] for batch in batches]) > 0  # the last batch is filled up
    images, labels = (np.concatenate([batch[key] for batch in batches])[real] for key in ("image", "label"))
    folder.mkdir(exist_ok=True)
    files = [folder / "float.keras"]
    runner.modeler.model.save(files[0])
    for model, name in ((runner.modeler.model, "float.tflite"), *((finished, name) for name in FILES)):
        try:
            files.append(espalier.export(model, folder / name, images, overwrite=True).path)
        except MissingDependencyError as error:
            print(f"{name} is left out. {error}")
    return compare(files, images, labels, models=dict.fromkeys(FILES, finished))


def main(model_dir="runs/first_steps", epochs=30, small_epochs=20) -> int:
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

    print(f"\nPruning 90 % of its weights and rounding the rest to 8 bits, in {small_epochs} more epochs.")
    finished = compress(folder, runner, small_epochs)

    print("\nWriting files, running each, and comparing what they answer with what the networks answer.")
    comparison = ship(folder / "ship", runner, finished)
    (folder / "ship" / "comparison.html").write_text(comparison.to_html(), encoding="utf-8")
    (folder / "ship" / "comparison.json").write_text(comparison.to_json() + "\n", encoding="utf-8")

    print(f"\n{result.metrics['accuracy']:.2%} of the held-out digits are right. Look at")
    for name, meaning in (
        ("infer/predictions.png", "pictures with what the network takes them for"),
        ("report.json", "the result of the evaluation"),
        ("metrics.csv", "loss and accuracy as training went on; the same in metrics.jsonl"),
        ("checkpoints", "the state of the run: start again and it goes on from here"),
        ("run.json", "settings and versions"),
        ("ship/comparison.html", "the table below, with pictures"),
    ):
        print(f"  {folder / name!s:<40}  {meaning}")
    print(f"  {f'tensorboard --logdir {folder}':<40}  curves")
    print(f"\nThe network as files, in {folder / 'ship'}:\n\n{comparison.to_text()}")
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("first_steps.py", main))
