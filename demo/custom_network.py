"""A network of your own, in a module of your own, found by its dotted path.

python demo/custom_network.py

demo/my_lab/tiny_net.py has a Config and a build, and needs neither a registration nor a fork. Nothing is
downloaded: the digits come with scikit-learn.
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
from source.command.mistakes import report_mistakes


def main(model_dir="runs/custom_network", epochs=20):
    modeler_config = ImageClassificationModelerConfig(
        network="my_lab.tiny_net", network_options={"width": 24}, learning_rate=0.1, lr_method="cosine"
    )
    inputter_config = ImageClassificationInputterConfig(
        epochs=epochs, image_height=16, image_width=16, image_depth=1, augmenter="normalize"
    )
    callback_config = ImageClassificationCallbackConfig(model_dir=model_dir)

    inputter = resolve("inputter", "digits").build(inputter_config)
    modeler = resolve("modeler", "image_classification_modeler").build(modeler_config)
    callbacks = [
        resolve("callback", name).build(callback_config)
        for name in ("train_basic", "eval_basic", "progress", "eval_accuracy")
    ]
    runner_config = RunnerConfig(evaluate_every_epochs=5)
    runner = resolve("runner", "single_device_runner").build(runner_config, inputter, modeler, callbacks)
    runner.train()
    result = runner.evaluate()
    parameters, accuracy = modeler.model.count_params(), result.metrics["accuracy"]
    print(f"{modeler.model.name}: {parameters:,} parameters, {accuracy:.2%} of held-out digits are right.")
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("custom_network.py", main))
