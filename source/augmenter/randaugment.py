"""RandAugment: a few operations drawn for each picture, all at one magnitude, after crop and mirror."""

import functools
from collections.abc import Callable
from typing import Literal

import tensorflow as tf

from source.augmenter import _geometry, _normalization, _operations, random_key
from source.augmenter._augmenter import Augmenter
from source.config.config import Names, require
from source.config.nearest import did_you_mean
from source.config.settings import settings

MAX_MAGNITUDE = 30  # the paper's scale, section 3
_MAX_DEGREES = 30.0
_MAX_SHEAR = 0.3
_MAX_TRANSLATION = 150.0 / 331.0  # of the side: 150 pixels at the size of 331 that the operations were found with
_MAX_ENHANCEMENT = 0.9
_MAX_LOST_BITS = 4

OPERATIONS = (
    "identity",
    "autocontrast",
    "equalize",
    "rotate",
    "solarize",
    "color",
    "posterize",
    "contrast",
    "brightness",
    "sharpness",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
)


@settings
class Config(_normalization.NormalizationConfig):
    """How many operations at which magnitude.

    The method is that of Cubuk et al.: RandAugment: practical automated data augmentation with a reduced
    search space, 2020, https://arxiv.org/abs/1909.13719. With m = magnitude / 30 and a sign s drawn for each
    operation: rotate s * 30 m degrees; solarize from 256 (1 - m) on; posterize to 8 - round(4 m) bits; color,
    contrast, brightness and sharpness by the factor 1 + s * 0.9 m; shear by s * 0.3 m; translate by s * 0.453
    m of the side.

    Attributes:
        num_operations: operations for each picture, drawn with replacement; 0 only crops and mirrors.
        magnitude: 0 to 30.
        operations: names of those to draw from.
        interpolation: of rotation, shear and translation: "nearest" or "bilinear".
        fill: value of what these bring in from outside, 0 to 255.
        pad: zeros added on each side before the random crop, pixels.
        flip: mirror left to right in half of the cases.
        normalization: see `NormalizationConfig`.
        mean: see `NormalizationConfig`; CIFAR-10's.
        std: see `NormalizationConfig`; CIFAR-10's.
    """

    num_operations: int = 2
    magnitude: float = 9.0
    operations: Names = OPERATIONS
    interpolation: Literal["nearest", "bilinear"] = "nearest"
    fill: float = 128.0
    pad: int = 4
    flip: bool = True
    normalization: _normalization.Normalization = "mean_std"

    def __post_init__(self) -> None:
        """Refuses impossible numbers and unknown operations."""
        _normalization.NormalizationConfig.__post_init__(self)
        require(self.num_operations >= 0, "num_operations", "at least 0", self.num_operations)
        require(0 <= self.magnitude <= MAX_MAGNITUDE, "magnitude", f"from 0 to {MAX_MAGNITUDE}", self.magnitude)
        require(0 <= self.fill <= 255, "fill", "from 0 to 255", self.fill)
        require(self.pad >= 0, "pad", "at least 0", self.pad)
        require(len(self.operations) >= 1, "operations", "at least one", self.operations)
        for name in self.operations:
            if name not in OPERATIONS:
                raise ValueError(f"`operations` has an unknown `{name}`. {did_you_mean(name, OPERATIONS)}")


class RandAugment(Augmenter):
    """Random window, mirror, operations on uint8, normalisation.

    Evaluation takes the centre, padded with zeros where the picture is smaller, and normalises.
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    def distort(self, image: tf.Tensor, output_height: int, output_width: int, key: tf.Tensor) -> tf.Tensor:
        """Returns the random form.

        Draws 0 to 2 of the key are row, column and mirror, 3 + 2n and 4 + 2n choice and sign of operation n.
        """
        config = self.config
        image = _geometry.random_crop_and_flip(
            image[tf.newaxis], key[tf.newaxis], output_height, output_width, config.pad, config.flip
        )[0]
        image = tf.ensure_shape(_to_codes(image), (output_height, output_width, image.shape[-1]))
        for number in range(config.num_operations):
            image = self._random_operation(image, key, _geometry.FREE_DRAW + 2 * number)
        return _normalization.normalize(image[tf.newaxis], config)[0]

    def standardize(self, images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
        """Returns the fixed form: the centre, normalised."""
        centre = _geometry.central_crop_or_pad(images, output_height, output_width)
        return _normalization.normalize(centre, self.config)

    def _random_operation(self, image: tf.Tensor, key: tf.Tensor, draw: int) -> tf.Tensor:
        choice = random_key.integer(key, draw, 0, len(self.config.operations))
        sign = tf.cast(2 * random_key.integer(key, draw + 1, 0, 2) - 1, tf.float32)
        known = _operations_at(self.config, sign)
        branches = [functools.partial(known[name], image) for name in self.config.operations]
        return tf.ensure_shape(tf.switch_case(choice, branches), image.shape)


def _to_codes(image: tf.Tensor) -> tf.Tensor:
    if image.dtype == tf.uint8:
        return image
    return tf.cast(tf.round(tf.clip_by_value(tf.cast(image, tf.float32), 0.0, 255.0)), tf.uint8)


def _operations_at(config: Config, sign: tf.Tensor) -> dict[str, Callable[[tf.Tensor], tf.Tensor]]:
    """Returns every operation as a function of the image alone, at the magnitude of `config`.

    Args:
        config: settings.
        sign: float32 scalar, 1 or -1.
    """
    level = config.magnitude / MAX_MAGNITUDE
    factor = 1.0 + sign * (_MAX_ENHANCEMENT * level)
    shear, shift = sign * (_MAX_SHEAR * level), sign * (_MAX_TRANSLATION * level)

    def affine(image: tf.Tensor, *coefficients: tf.Tensor | float) -> tf.Tensor:
        return _operations.affine(image, list(coefficients), config.interpolation, config.fill)

    def rotate(image: tf.Tensor) -> tf.Tensor:
        return _operations.rotate(image, sign * (_MAX_DEGREES * level), config.interpolation, config.fill)

    return {
        "identity": lambda image: image,
        "autocontrast": _operations.autocontrast,
        "equalize": _operations.equalize,
        "rotate": rotate,
        "solarize": lambda image: _operations.solarize(image, round(256 * (1.0 - level))),
        "color": lambda image: _operations.color(image, factor),
        "posterize": lambda image: _operations.posterize(image, 8 - round(_MAX_LOST_BITS * level)),
        "contrast": lambda image: _operations.contrast(image, factor),
        "brightness": lambda image: _operations.brightness(image, factor),
        "sharpness": lambda image: _operations.sharpness(image, factor),
        "shear_x": lambda image: affine(image, 1.0, shear, 0.0, 0.0, 1.0, 0.0),
        "shear_y": lambda image: affine(image, 1.0, 0.0, 0.0, shear, 1.0, 0.0),
        "translate_x": lambda image: affine(image, 1.0, 0.0, shift * image.shape[1], 0.0, 1.0, 0.0),
        "translate_y": lambda image: affine(image, 1.0, 0.0, 0.0, 0.0, 1.0, shift * image.shape[0]),
    }


def build(config: Config | None = None) -> RandAugment:
    """Returns the augmenter that `config` describes.

    Args:
        config: settings; None takes the defaults.
    """
    return RandAugment(config or Config())


@tf.autograph.experimental.do_not_convert
def augment(
    image: tf.Tensor,
    output_height: int,
    output_width: int,
    is_training: bool = False,
    speed_mode: bool = False,
    key: tf.Tensor | None = None,
) -> tf.Tensor:
    """Returns one image by the default settings: `build().augment`, see there."""
    return build().augment(image, output_height, output_width, is_training, speed_mode, key)


@tf.autograph.experimental.do_not_convert
def preprocess(images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
    """Returns one image or a batch by the default settings: `build().preprocess`, see there."""
    return build().preprocess(images, output_height, output_width)
