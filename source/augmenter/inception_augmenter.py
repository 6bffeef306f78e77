"""Random box, random resizing, random colours: the augmentation of the Inception networks."""

from collections.abc import Callable

import tensorflow as tf

from source.augmenter import _color, _geometry, _normalization, random_key
from source.augmenter._augmenter import Augmenter
from source.config.config import Names, require
from source.config.nearest import did_you_mean
from source.config.settings import settings

_FLIP, _BOX, _METHOD = 0, 1, 2
_FIRST_COLOR = 3
RESIZE_METHODS = ("bilinear", "nearest", "bicubic", "area")


@settings
class Config(_normalization.NormalizationConfig):
    """Boxes and colours.

    The boxes are those of Szegedy et al.: Going deeper with convolutions, 2015,
    https://arxiv.org/abs/1409.4842, section 6.

    Attributes:
        min_object_covered: share of the image that the box must cover at least, 0 to 1.
        aspect_low: smallest width / height of the box.
        aspect_high: largest width / height of the box.
        area_low: smallest area of the box as a share of the image's, above 0.
        area_high: largest area of the box as a share of the image's, at most 1.
        max_attempts: boxes to try; if none fits, the whole image is the box.
        resize_methods: of "bilinear", "nearest", "bicubic" and "area", one is drawn for each image.
        flip: mirror left to right in half of the cases.
        color: distort colours, in one of four orders that is drawn for each image; without three channels
            only brightness and contrast.
        brightness: adds U(-brightness, brightness) to pixels on the scale from 0 to 1.
        saturation_low: smallest factor of the saturation in HSV.
        saturation_high: largest factor of the saturation in HSV.
        hue: turns the hue by U(-hue, hue) of a full circle, at most 0.5.
        contrast_low: smallest factor of the difference to the channel's mean.
        contrast_high: largest factor of the difference to the channel's mean.
        central_fraction: share of each side that evaluation looks at, around the centre.
        normalization: see `NormalizationConfig`.
        mean: see `NormalizationConfig`.
        std: see `NormalizationConfig`.
    """

    min_object_covered: float = 0.1
    aspect_low: float = 0.75
    aspect_high: float = 1.33
    area_low: float = 0.05
    area_high: float = 1.0
    max_attempts: int = 100
    resize_methods: Names = RESIZE_METHODS
    flip: bool = True
    color: bool = True
    brightness: float = 32.0 / 255.0
    saturation_low: float = 0.5
    saturation_high: float = 1.5
    hue: float = 0.2
    contrast_low: float = 0.5
    contrast_high: float = 1.5
    central_fraction: float = 0.875
    normalization: _normalization.Normalization = "symmetric"

    def __post_init__(self) -> None:
        """Refuses impossible ranges and unknown methods."""
        _normalization.NormalizationConfig.__post_init__(self)
        require(0 <= self.min_object_covered <= 1, "min_object_covered", "from 0 to 1", self.min_object_covered)
        require(
            0 < self.aspect_low <= self.aspect_high,
            "aspect_low",
            "above 0, at most aspect_high",
            self.aspect_low,
        )
        require(0 < self.area_low <= self.area_high, "area_low", "above 0, at most area_high", self.area_low)
        require(self.area_high <= 1, "area_high", "at most 1", self.area_high)
        require(self.max_attempts >= 1, "max_attempts", "at least 1", self.max_attempts)
        require(self.brightness >= 0, "brightness", "at least 0", self.brightness)
        require(0 <= self.hue <= 0.5, "hue", "from 0 to 0.5", self.hue)
        for name in ("saturation", "contrast"):
            low, high = getattr(self, f"{name}_low"), getattr(self, f"{name}_high")
            require(0 <= low <= high, f"{name}_low", f"at least 0, at most {name}_high={high}", low)
        require(0 < self.central_fraction <= 1, "central_fraction", "above 0, at most 1", self.central_fraction)
        require(len(self.resize_methods) >= 1, "resize_methods", "at least one", self.resize_methods)
        for method in self.resize_methods:
            if method not in RESIZE_METHODS:
                raise ValueError(f"`resize_methods` has an unknown `{method}`. {did_you_mean(method, RESIZE_METHODS)}")


class InceptionAugmenter(Augmenter):
    """Takes a random box, resizes it, mirrors, distorts colours, clips to [0, 255], normalises.

    Evaluation takes the centre and resizes it, bilinearly.
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    def distort(self, image: tf.Tensor, output_height: int, output_width: int, key: tf.Tensor) -> tf.Tensor:
        """Returns the random form; draws 0 to 7 of the key: mirror, box, method, order and four colours."""
        config = self.config
        box = self._random_box(image, key)
        image = self._resize(box, output_height, output_width, key)
        image = image * (1.0 / 255.0)
        if config.flip:
            mirrored = random_key.integer(key, _FLIP, 0, 2) > 0
            image = tf.where(mirrored, tf.reverse(image, [1]), image)
        if config.color:
            image = _color.distort_colors(image, key, _FIRST_COLOR, self._color_ranges())
        image = tf.clip_by_value(image, 0.0, 1.0) * 255.0
        return _normalization.normalize(image[tf.newaxis], config)[0]

    def standardize(self, images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
        """Returns the fixed form: the central part, resized and normalised."""
        height, width = _geometry.extent(images)
        rows, columns = (_central_edge(edge, self.config.central_fraction) for edge in (height, width))
        centre = _geometry.central_crop_or_pad(images, rows, columns)
        resized = tf.image.resize(centre, (output_height, output_width), method="bilinear")
        return _normalization.normalize(resized, self.config)

    def _random_box(self, image: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        config = self.config
        begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
            tf.shape(image),
            bounding_boxes=tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
            seed=random_key.seed_pair(key, _BOX),
            min_object_covered=config.min_object_covered,
            aspect_ratio_range=(config.aspect_low, config.aspect_high),
            area_range=(config.area_low, config.area_high),
            max_attempts=config.max_attempts,
            use_image_if_no_bounding_boxes=True,
        )
        return tf.ensure_shape(tf.slice(image, begin, size), (None, None, image.shape[-1]))

    def _resize(self, image: tf.Tensor, height: int, width: int, key: tf.Tensor) -> tf.Tensor:
        def resizer(method: str) -> Callable[[], tf.Tensor]:
            return lambda: tf.cast(tf.image.resize(image, (height, width), method=method), tf.float32)

        methods = self.config.resize_methods
        if len(methods) == 1:
            return resizer(methods[0])()
        choice = random_key.integer(key, _METHOD, 0, len(methods))
        return tf.switch_case(choice, [resizer(method) for method in methods])

    def _color_ranges(self) -> _color.ColorRanges:
        config = self.config
        return _color.ColorRanges(
            brightness=(-config.brightness, config.brightness),
            saturation=(config.saturation_low, config.saturation_high),
            hue=(-config.hue, config.hue),
            contrast=(config.contrast_low, config.contrast_high),
        )


def _central_edge(edge: _geometry.Size, fraction: float) -> _geometry.Size:
    """Returns floor(edge * fraction), at least 1: an integer for an integer, else an int32 scalar."""
    if isinstance(edge, int):
        return max(int(edge * fraction), 1)
    return tf.maximum(tf.cast(tf.cast(edge, tf.float64) * fraction, tf.int32), 1)


def build(config: Config | None = None) -> InceptionAugmenter:
    """Returns the augmenter that `config` describes.

    Args:
        config: settings; None takes the defaults.
    """
    return InceptionAugmenter(config or Config())


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
