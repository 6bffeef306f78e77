"""Inputter: made-up images that can be learned, so that everything runs with no data at all.

Each class is a striped pattern of its own direction, width and colour; each image has its own phase and noise.
"""

from typing import Any

import numpy as np

from source.config.config import require
from source.config.image_classification_config import ImageClassificationInputterConfig
from source.config.settings import adopt, settings
from source.inputter._examples import Data, Examples, Pixels, counted
from source.inputter._faults import Faults
from source.inputter._image_classification import ImageClassificationInputter

_GOLDEN = 0.6180339887498949  # (sqrt(5) - 1) / 2: multiples of it modulo 1 are spread evenly for any number of classes
_MIDDLE, _SWING = 127.5, 80.0


@settings
class Config(ImageClassificationInputterConfig):
    """How many images are made, and how hard they are.

    Attributes:
        num_samples: images to train on, at least 1.
        num_evaluation_samples: images to evaluate on, at least 0.
        noise: standard deviation of the noise on each pixel, at least 0; the stripes swing by 80 around 127.5.
    """

    num_samples: int = 256
    num_evaluation_samples: int = 64
    noise: float = 30.0

    def __post_init__(self) -> None:
        """Refuses impossible numbers."""
        ImageClassificationInputterConfig.__post_init__(self)
        require(self.num_samples >= 1, "num_samples", "at least 1", self.num_samples)
        require(
            self.num_evaluation_samples >= 0,
            "num_evaluation_samples",
            "at least 0",
            self.num_evaluation_samples,
        )
        require(self.noise >= 0, "noise", "at least 0", self.noise)


def build(config: ImageClassificationInputterConfig, augmenter: Any = None) -> ImageClassificationInputter:
    """Returns the inputter of made-up images.

    Args:
        config: settings.
        augmenter: a module or an object with `augment`; None takes the one that `config` names, if any.
    """
    adopted = adopt(Config, config)
    return ImageClassificationInputter(adopted, lambda faults: _load(adopted, faults), augmenter)


def _load(config: Config, faults: Faults) -> Data:
    evaluate = _examples(config, config.num_evaluation_samples, 1) if config.num_evaluation_samples else None
    return Data(train=_examples(config, config.num_samples, 0), evaluate=evaluate)


def _examples(config: Config, count: int, part: int) -> Examples:
    """Returns `count` images whose classes take turns; parts have different phases and noise."""
    random = np.random.Generator(np.random.PCG64([config.seed, part]))
    labels = np.arange(count, dtype=np.int64) % config.num_classes
    images = np.stack([_image(config, int(label), random) for label in labels])
    return Examples(Pixels(images), labels, counted("synthetic images", count))


def _image(config: Config, label: int, random: np.random.Generator) -> np.ndarray:
    """Returns one image, uint8 (h, w, c): a wave along the direction of the class, plus noise."""
    direction = np.pi * label / config.num_classes
    waves = 2 + 3 * (label * _GOLDEN % 1)
    y, x = np.mgrid[: config.image_height, : config.image_width] / max(config.image_height, config.image_width)
    wave = np.sin(2 * np.pi * (waves * (x * np.cos(direction) + y * np.sin(direction)) + random.random()))
    tint = 0.5 + 0.5 * np.cos(2 * np.pi * (label * _GOLDEN + np.arange(config.image_depth) / 3))
    noise = config.noise * random.standard_normal((*wave.shape, config.image_depth))
    return np.clip(np.rint(_MIDDLE + _SWING * wave[..., np.newaxis] * tint + noise), 0, 255).astype(np.uint8)
