"""A callback of your own: after each evaluation it names the digit that is recognised worst.

python demo/custom_callback.py

A callback overrides the hooks that it needs and joins the list of a script. Nothing is downloaded.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

from espalier import (
    ImageClassificationCallbackConfig,
    ImageClassificationInputterConfig,
    ImageClassificationModelerConfig,
    RunnerConfig,
    resolve,
)
from source.callback.callback import Callback
from source.command.mistakes import report_mistakes


class WorstClass(Callback):
    """Adds the class with the smallest share of right answers to the line of an evaluation."""

    modes = frozenset({"train", "evaluate"})

    def after_evaluate(self, run, metrics):
        """Returns what the line says of the worst class."""
        matrix = run.modeler.confusion_matrix()  # a row for each class, a column for each answer
        right = matrix.diagonal() / matrix.sum(axis=1)
        worst = int(right.argmin())
        return {"worst": f"{run.inputter.class_names[worst]} ({right[worst]:.1%} right)"}


def main(model_dir="runs/custom_callback", epochs=10):
    inputter_config = ImageClassificationInputterConfig(
        epochs=epochs, image_height=28, image_width=28, image_depth=1, augmenter="normalize"
    )
    modeler_config = ImageClassificationModelerConfig(network="lenet5", learning_rate=0.02)
    callback_config = ImageClassificationCallbackConfig(model_dir=model_dir)

    inputter = resolve("inputter", "digits").build(inputter_config)
    modeler = resolve("modeler", "image_classification_modeler").build(modeler_config)
    callbacks = [resolve("callback", name).build(callback_config) for name in ("train_basic", "eval_accuracy")]
    callbacks.append(WorstClass(callback_config))
    resolve("runner", "single_device_runner").build(RunnerConfig(), inputter, modeler, callbacks).run()
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("custom_callback.py", main))
