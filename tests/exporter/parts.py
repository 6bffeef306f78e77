"""A small model with its preprocessing, as exporters receive them."""

import keras

from source.augmenter import cifar_augmenter
from source.config.image_classification_config import ImageClassificationModelerConfig
from source.inputter import image_classification_syn_inputter
from source.modeler import image_classification_modeler

HEIGHT, WIDTH, CLASSES = 10, 12, 3
NAMES = ("ant", "bee", "cat")


def net(inputs, num_classes):
    x = keras.layers.Conv2D(4, 3, strides=2, name="conv")(inputs)
    x = keras.layers.ReLU(name="relu")(keras.layers.BatchNormalization(name="norm")(x))
    x = keras.layers.Dropout(0.5, name="dropout")(keras.layers.Flatten(name="flatten")(x))
    return keras.layers.Dense(num_classes, name="logits")(x)


def make_parts(compressor=None, **inputter_settings):
    """Returns a built modeler and the inputter it was made for, whose images are 10 high and 12 wide."""
    config = image_classification_syn_inputter.Config(
        batch_size_per_gpu=4,
        image_height=HEIGHT,
        image_width=WIDTH,
        num_classes=CLASSES,
        num_samples=8,
        **{"class_names": NAMES, **inputter_settings},
    )
    inputter = image_classification_syn_inputter.build(config, cifar_augmenter)
    modeler = image_classification_modeler.build(
        ImageClassificationModelerConfig(batch_size_per_gpu=4, num_classes=CLASSES, seed=1, compressor=compressor), net
    )
    modeler.get_dataset_info(inputter)
    modeler.build()
    return modeler, inputter
