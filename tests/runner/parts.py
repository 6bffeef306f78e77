"""Small applications for the tests of runners: synthetic pictures, a network with dropout and batch norm."""

import keras

from source.augmenter import cifar_augmenter
from source.callback import eval_basic, export_basic, infer_basic, train_basic
from source.config.config import RunnerConfig
from source.config.image_classification_config import (
    ImageClassificationCallbackConfig,
    ImageClassificationModelerConfig,
)
from source.inputter import image_classification_syn_inputter
from source.modeler import image_classification_modeler
from source.runner import single_device_runner

BATCH = 16


def net(inputs, num_classes):
    """A network whose training needs everything that a checkpoint must hold."""
    x = keras.layers.Conv2D(4, 3, strides=2, name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.Dropout(0.3, name="dropout")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.layers.Dense(num_classes, name="logits")(x)


def make_inputter(augmenter=cifar_augmenter, **settings):
    fields = {
        "batch_size_per_gpu": BATCH,
        "epochs": 3,
        "num_samples": 80,
        "num_evaluation_samples": 20,
        "image_height": 12,
        "image_width": 12,
        "num_classes": 4,
        **settings,
    }
    config = image_classification_syn_inputter.Config(**fields)
    return image_classification_syn_inputter.build(config, augmenter)


def make_modeler(**settings):
    fields = {
        "batch_size_per_gpu": BATCH,
        "num_classes": 4,
        "learning_rate": 0.05,
        "ema_decay": 0.9,
        **settings,
    }
    return image_classification_modeler.build(ImageClassificationModelerConfig(**fields), net)


def make_runner(model_dir=None, callbacks=(), inputter=None, modeler=None, save_every=4, **settings):
    """Returns a runner; with a `model_dir` it also restores and saves."""
    basics = []
    if model_dir is not None:
        config = ImageClassificationCallbackConfig(
            model_dir=model_dir, save_checkpoints_steps=save_every, keep_checkpoint_max=2
        )
        basics = [module.build(config) for module in (train_basic, eval_basic, infer_basic, export_basic)]
    return single_device_runner.build(
        RunnerConfig(**settings),
        inputter or make_inputter(),
        modeler or make_modeler(),
        [*basics, *callbacks],
    )
