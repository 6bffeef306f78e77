"""One network of every family of `keras.applications`, as small as it gets, and networks for text."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import applications, layers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """How a network is made and tested.

    Attributes:
        make: returns it, without trained weights.
        slow: whether preparing and training it takes more than about 10 s on two cores.
        size: of the images.
    """

    make: Callable[..., keras.Model]
    slow: bool = True
    size: int = 32
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)

    def model(self) -> keras.Model:
        """Returns the network with 5 classes and logits."""
        keras.utils.set_random_seed(3)
        return self.make(
            weights=None, input_shape=(self.size, self.size, 3), classes=5, classifier_activation=None, **self.settings
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Text:
    """A network for words."""

    make: Callable[[], keras.Model]
    slow: bool = False

    def model(self) -> keras.Model:
        """Returns the network."""
        keras.utils.set_random_seed(3)
        return self.make()


def lstm() -> keras.Model:
    """Returns two recurrent layers over words with padding, of which the first goes both ways."""
    words = keras.Input((12,), dtype="int32")
    x = layers.Embedding(50, 16, mask_zero=True)(words)
    x = layers.LSTM(8)(layers.Bidirectional(layers.LSTM(8, return_sequences=True))(x))
    return keras.Model(words, layers.Dense(5)(x))


def transformer() -> keras.Model:
    """Returns two blocks of attention over words with their places."""
    words = keras.Input((12,), dtype="int32")
    places = layers.Embedding(12, 16)(keras.ops.arange(12)[None])
    x = layers.Embedding(50, 16)(words) + places
    for _ in range(2):
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        x = x + layers.Dropout(0.1)(layers.MultiHeadAttention(2, 8)(y, y))
        y = layers.Dense(32, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x))
        x = x + layers.Dropout(0.1)(layers.Dense(16)(y))
    return keras.Model(words, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))


NETWORKS: dict[str, Network | Text] = {
    "LSTM": Text(make=lstm),
    "Transformer": Text(make=transformer),
    "MobileNet": Network(make=applications.MobileNet, slow=False, settings={"alpha": 0.25}),
    "MobileNetV2": Network(make=applications.MobileNetV2, slow=False, settings={"alpha": 0.35}),
    "MobileNetV3Small": Network(make=applications.MobileNetV3Small, slow=False),
    "EfficientNetB0": Network(make=applications.EfficientNetB0),
    "EfficientNetV2B0": Network(make=applications.EfficientNetV2B0),
    "DenseNet121": Network(make=applications.DenseNet121),
    "NASNetMobile": Network(make=applications.NASNetMobile),
    "ResNet50": Network(make=applications.ResNet50),
    "ResNet50V2": Network(make=applications.ResNet50V2),
    "VGG16": Network(make=applications.VGG16),
    "VGG19": Network(make=applications.VGG19),
    "InceptionV3": Network(make=applications.InceptionV3, size=75),
    "InceptionResNetV2": Network(make=applications.InceptionResNetV2, size=75),
    "Xception": Network(make=applications.Xception, size=71),
    "ConvNeXtTiny": Network(make=applications.ConvNeXtTiny),
}


def batch_for(model: keras.Model, size: int = 2) -> np.ndarray:
    """Returns inputs: pixels, or words of which the last are padding."""
    source, shape = np.random.default_rng(1), (size, *model.input_shape[1:])
    if "int" in model.inputs[0].dtype:
        words = source.integers(1, 50, shape).astype(np.int32)
        words[:, -3:] = 0
        return words
    return source.uniform(0.0, 255.0, shape).astype(np.float32)


def with_statistics(model: keras.Model) -> keras.Model:
    """Returns the model with the statistics of a batch, without which the outputs of deep networks vanish."""
    normalizations = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    momenta = [layer.momentum for layer in normalizations]
    for layer in normalizations:
        layer.momentum = 0.0
    model(batch_for(model, 4), training=True)
    for layer, momentum in zip(normalizations, momenta, strict=True):
        layer.momentum = momentum
    return model
