"""Inputter: the 1,797 handwritten digits that come with scikit-learn, real data without a download.

8x8 pixels with 17 shades, scanned from 43 people: E. Alpaydin, C. Kaynak, Optical recognition of handwritten digits,
UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49 (the test part of that set).
"""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from source.config.errors import MissingDependencyError
from source.config.image_classification_config import ImageClassificationInputterConfig
from source.config.settings import adopt, settings
from source.inputter import _image, _preparation
from source.inputter._examples import Data, Examples, Pixels, counted
from source.inputter._faults import Faults
from source.inputter._image_classification import ImageClassificationInputter

_HOLD_OUT = 0.2
_SHADES = 16


@settings
class Config(ImageClassificationInputterConfig):
    """How the digits are shown.

    Attributes:
        image_height: rows; the 8 of the data are resized bilinearly.
        image_width: columns; the 8 of the data are resized bilinearly.
        image_depth: channels: 1 (grey), 3 (RGB) or 4.
        validation_fraction: share of each digit kept for evaluation; 0 means 0.2 here.
    """

    image_height: int = 28
    image_width: int = 28
    image_depth: int = 1
    validation_fraction: float = _HOLD_OUT


def build(config: ImageClassificationInputterConfig, augmenter: Any = None) -> ImageClassificationInputter:
    """Returns the inputter of scikit-learn's digits.

    Args:
        config: settings.
        augmenter: a module or an object with `augment`; None takes the one that `config` names, if any.
    """
    adopted = adopt(Config, config)
    adopted = dataclasses.replace(adopted, validation_fraction=adopted.validation_fraction or _HOLD_OUT)
    return ImageClassificationInputter(adopted, lambda faults: _load(adopted, faults), augmenter)


def _load(config: Config, faults: Faults) -> Data:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "inputter `digits` needs the package `scikit-learn`, which is not installed. Install it and try again."
        ) from error
    digits = load_digits()
    shades = digits.images.astype(np.float32)[..., np.newaxis] * (255 / _SHADES)
    grey = _preparation.resize(shades, config.image_height, config.image_width)
    pixels = _image.with_depth(tf.cast(tf.round(grey), tf.uint8), config.image_depth).numpy()
    origin = counted("scikit-learn digits", len(pixels))
    return Data(train=Examples(Pixels(pixels), digits.target.astype(np.int64), origin))
