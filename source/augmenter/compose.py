"""An augmenter of images followed by mixers of batches, as one augmenter."""

import dataclasses
import functools
from typing import Any

import tensorflow as tf

from source.augmenter import _mixer, random_key
from source.config import plugin
from source.config.config import Names
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.settings import from_mapping, settings

_CHOICE = _mixer.FREE_DRAW + 16


@settings
class Config:
    """Which parts, by name.

    Attributes:
        augmenter: name of the augmenter of images.
        augmenter_options: its settings.
        batch_augmenters: names of the mixers; each batch goes through one of them, drawn evenly. None may be
            given.
        batch_augmenter_options: settings of each mixer, by its name.
    """

    augmenter: str = "cifar_augmenter"
    augmenter_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    batch_augmenters: Names = ("mixup", "cutmix")
    batch_augmenter_options: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses settings for mixers that are not there."""
        for name in self.batch_augmenter_options:
            if name not in self.batch_augmenters:
                raise ValueError(
                    f"`batch_augmenter_options` names `{name}`, which is not among batch_augmenters. "
                    f"{did_you_mean(name, self.batch_augmenters)}"
                )


class Composed:
    """Forwards images to an augmenter and batches to one of some mixers."""

    def __init__(self, augmenter: Any, mixers: list[Any]) -> None:
        self.augmenter = augmenter
        self.mixers = mixers

    @tf.autograph.experimental.do_not_convert
    def augment(
        self,
        image: tf.Tensor,
        output_height: int,
        output_width: int,
        is_training: bool = False,
        speed_mode: bool = False,
        key: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns what the augmenter's `augment` returns, float32 (output_height, output_width, c)."""
        return self.augmenter.augment(image, output_height, output_width, is_training, speed_mode, key)

    @tf.autograph.experimental.do_not_convert
    def preprocess(self, images: tf.Tensor, output_height: int, output_width: int) -> tf.Tensor:
        """Returns what the augmenter's `preprocess` returns, for one image or a batch."""
        return self.augmenter.preprocess(images, output_height, output_width)

    @tf.autograph.experimental.do_not_convert
    def augment_batch_labels(
        self, images: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor, num_classes: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the batch and soft labels of one mixer, drawn from the first key.

        Args:
            images: float32 (b, h, w, c), preprocessed.
            labels: integers (b,), or float (b, num_classes).
            keys: uint64 (b,) from `random_key.fold`.
            num_classes: at least 1.

        Returns:
            Images, float32 (b, h, w, c), and labels, float32 (b, num_classes).
        """
        if not self.mixers:
            return images, _mixer.soft_labels(labels, num_classes)
        branches = [
            functools.partial(mixer.augment_batch_labels, images, labels, keys, num_classes) for mixer in self.mixers
        ]
        if len(branches) == 1:
            return branches[0]()
        return tf.switch_case(random_key.integer(keys[0], _CHOICE, 0, len(branches)), branches)


class ComposedBatch(Composed):
    """The same around an augmenter that has a batch form, which it then has too."""

    @tf.autograph.experimental.do_not_convert
    def augment_batch(
        self,
        images: tf.Tensor,
        output_height: int,
        output_width: int,
        is_training: bool = False,
        speed_mode: bool = False,
        keys: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns what the augmenter's `augment_batch` returns."""
        return self.augmenter.augment_batch(images, output_height, output_width, is_training, speed_mode, keys)


def build(config: Config | None = None) -> Composed:
    """Returns the augmenter that `config` describes.

    Args:
        config: settings; None takes the defaults.

    Raises:
        ConfigError: if a part cannot do what it is named for.
    """
    config = config or Config()
    augmenter = _part(config.augmenter, config.augmenter_options, "augmenter_options")
    if not hasattr(augmenter, "augment"):
        raise ConfigError(f"`augmenter` must augment images. Received: augmenter={config.augmenter!r}.")
    mixers = []
    for name in config.batch_augmenters:
        options = config.batch_augmenter_options.get(name, {})
        mixers.append(_part(name, options, f"batch_augmenter_options.{name}"))
        if not hasattr(mixers[-1], "augment_batch_labels"):
            raise ConfigError(f"`batch_augmenters` must mix whole batches. Received: {name!r}.")
    return (ComposedBatch if hasattr(augmenter, "augment_batch") else Composed)(augmenter, mixers)


def _part(name: str, options: dict[str, Any], path: str) -> Any:
    """Returns the augmenter of that name, built with `options`."""
    module = plugin.resolve("augmenter", name)
    return module.build(from_mapping(module.Config, options, path))


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


@tf.autograph.experimental.do_not_convert
def augment_batch_labels(
    images: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor, num_classes: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a mixed batch by the default settings: `build().augment_batch_labels`, see there."""
    return build().augment_batch_labels(images, labels, keys, num_classes)
