"""Image classification from the command line: train, evaluate, infer or export.

python demo/image/image_classification.py --mode=train --model_dir=runs/cifar10 --network=resnet20 \
    --augmenter=cifar_augmenter --batch_size_per_gpu=128 --epochs=30 --learning_rate=0.1
    --train_dataset_meta=train.csv
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from source.command.application import Application
from source.command.mistakes import report_mistakes
from source.config.config import RunnerConfig
from source.config.image_classification_config import (
    ImageClassificationCallbackConfig,
    ImageClassificationInputterConfig,
    ImageClassificationModelerConfig,
)

APPLICATION = Application(
    description="Classifies images: trains a network on them, evaluates, predicts or exports it.",
    inputter="image_classification_csv_inputter",
    modeler="image_classification_modeler",
    runner="single_device_runner",
    callbacks={
        "train": ("train_basic", "train_loss", "train_accuracy", "train_speed", "train_summary"),
        "evaluate": ("eval_basic", "eval_loss", "eval_accuracy", "eval_speed", "eval_summary"),
        "infer": ("infer_basic", "infer_display_image_classification"),
        "export": ("export_basic",),
    },
    configs=(
        ImageClassificationInputterConfig,
        ImageClassificationModelerConfig,
        ImageClassificationCallbackConfig,
        RunnerConfig,
    ),
    defaults={"network": "resnet32", "augmenter": "cifar_augmenter", "epochs": 5, "l2_weight_decay": 2e-4},
)


def main() -> int:
    return report_mistakes("image_classification.py", lambda: APPLICATION.run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
