"""Compress: train a network on handwritten digits, prune and quantize it, and look at what is left.

python demo/compression/compress.py

The 1,797 digits come with scikit-learn, so nothing is downloaded. The float network is trained in
runs/compress/float, the compressed one in runs/compress/small, which begins at the weights of the first. Run again, it
says that training is complete and shows the same.
"""

import json
import os
import pathlib
import sys
from importlib import import_module

# Read when TensorFlow is loaded: greet less, and leave out kernels that round differently from CPU to CPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import espalier
from source.command.mistakes import report_mistakes

BATCH = 32


def assemble(model_dir, epochs, learning_rate=0.02, network=None, compressor=None, pretrained=None, **settings):
    """Returns a runner; with a compressor, the callback that tells it the steps goes behind the one that restores."""
    inputter_config = espalier.ImageClassificationInputterConfig(
        batch_size_per_gpu=BATCH, epochs=epochs, image_height=28, image_width=28, image_depth=1, num_classes=10
    )
    modeler_config = espalier.ImageClassificationModelerConfig(
        batch_size_per_gpu=BATCH, num_classes=10, learning_rate=learning_rate, lr_method="cosine"
    )
    callback_config = espalier.ImageClassificationCallbackConfig(
        model_dir=model_dir, save_checkpoints_steps=1000, pretrained_model=pretrained
    )
    names = ["train_basic", *(["compression", "train_summary"] if compressor else []), "progress"]

    augmenter = import_module("source.augmenter.normalize")
    inputter = import_module("source.inputter.digits").build(inputter_config, augmenter)
    network = network or import_module("source.network.lenet5")
    modeler = import_module("source.modeler.image_classification_modeler").build(modeler_config, network, compressor)
    callbacks = [import_module(f"source.callback.{name}").build(callback_config) for name in names]
    runner_config = espalier.RunnerConfig(evaluate_every_epochs=epochs, **settings)
    return import_module("source.runner.single_device_runner").build(runner_config, inputter, modeler, callbacks)


def make_compressor(steps):
    """Returns one that prunes in the first two thirds of the steps, and rounds weights and activations to 8 bits."""
    pruning = {"sparsity": 0.9, "end_step": 2 * steps // 3, "every_steps": max(1, steps // 20)}
    return espalier.compressor("chain", members=[{"name": "magnitude_pruning", **pruning}, {"name": "quantize_aware"}])


def main(model_dir="runs/compress", epochs=8) -> int:
    folder = pathlib.Path(model_dir)
    print(f"Training LeNet-5 in float32 for {epochs} epochs.")
    plain = assemble(folder / "float", epochs)
    plain.train()
    before = plain.evaluate().metrics["accuracy"]

    print("\nPruning 90 % of its weights and rounding what is left to 8 bits, while it trains on.")
    [checkpoint] = (folder / "float" / "checkpoints").glob("checkpoint-*.npz")
    steps = plain.modeler.max_step
    small = assemble(folder / "small", epochs, 0.01, compressor=make_compressor(steps), pretrained=str(checkpoint))
    small.train()

    # The finished model brings its weights with it: there is nothing to restore.
    finished = espalier.load_model(folder / "small" / "finished.keras")
    after = assemble(folder / "small", epochs, network=finished, allow_untrained=True).evaluate().metrics["accuracy"]
    report = small.modeler.compressor.report(small.modeler.model)
    print(f"\n{report}\n")
    print(f"{before:.2%} of the held-out digits were right, {after:.2%} are with the finished model. Look at")
    result = {"before": before, "after": after, **report.totals()}
    (folder / "report.json").write_text(json.dumps(result, indent=2) + "\n")
    for name, meaning in (
        ("small/finished.keras", "the finished model, plain Keras layers"),
        ("small/compression.json", "what is kept of each weight, in how many bits and bytes"),
        ("report.json", "accuracy before and after, and the totals"),
    ):
        print(f"  {folder / name!s:<40}  {meaning}")
    print(
        f"  {f'tensorboard --logdir {folder}/small':<40}  sparsity, bits and ranges of each layer as training went on"
    )
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("compress.py", main))
