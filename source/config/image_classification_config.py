"""What the parts of an image classification application know."""

from typing import Annotated

import pydantic

from source.config.config import CallbackConfig, InputterConfig, ModelerConfig, Names, Numbers, require
from source.config.settings import settings


def _as_weights(value: object) -> object:
    if not isinstance(value, str) or value == "balanced":
        return value
    try:
        return tuple(map(float, value.split(",")))
    except ValueError:
        expected = "numbers, one for each class, or 'balanced'"
        raise ValueError(f"expected {expected}. Received: {value!r}.") from None


@settings
class ImageClassificationInputterConfig(InputterConfig):
    """What every inputter of image classification knows.

    Attributes:
        image_height: rows of the image that the network sees, pixels.
        image_width: columns of the image that the network sees, pixels.
        image_depth: channels: 1 (grey), 3 (RGB) or 4 (RGB and opacity).
        num_classes: how many classes there are; labels run from 0 to num_classes - 1.
        class_names: names of the classes in the order of the labels; empty takes what the data says.
        min_image_side: images with fewer pixels on either side are refused as broken.
    """

    image_height: int = 32
    image_width: int = 32
    image_depth: int = 3
    num_classes: int = 10
    class_names: Names = ()
    min_image_side: int = 2

    def __post_init__(self) -> None:
        InputterConfig.__post_init__(self)
        require(self.image_height >= 1, "image_height", "positive", self.image_height)
        require(self.image_width >= 1, "image_width", "positive", self.image_width)
        require(self.image_depth in (1, 3, 4), "image_depth", "1, 3 or 4", self.image_depth)
        require(self.num_classes >= 1, "num_classes", "at least 1", self.num_classes)
        require(self.min_image_side >= 1, "min_image_side", "at least 1", self.min_image_side)
        require(
            len(self.class_names) in (0, self.num_classes),
            "class_names",
            f"one name for each of num_classes={self.num_classes}",
            self.class_names,
        )


@settings
class ImageClassificationModelerConfig(ModelerConfig):
    """What the modeler of image classification knows.

    Attributes:
        num_classes: width of the network's output.
        label_smoothing: share of the label spread evenly over all classes, from 0 to below 1.
        class_weights: factor of the loss for each class; "balanced" takes n / (num_classes * count of the
            class).
        top_k: k of the accuracy reported beside top-1; left out when there are no more classes than that.
    """

    num_classes: int = 10
    label_smoothing: float = 0.0
    class_weights: Annotated[Numbers | str, pydantic.BeforeValidator(_as_weights)] = ()
    top_k: int = 5

    def __post_init__(self) -> None:
        ModelerConfig.__post_init__(self)
        require(self.num_classes >= 1, "num_classes", "at least 1", self.num_classes)
        require(0 <= self.label_smoothing < 1, "label_smoothing", "from 0 to below 1", self.label_smoothing)
        require(self.top_k >= 1, "top_k", "at least 1", self.top_k)
        if isinstance(self.class_weights, str):
            require(self.class_weights == "balanced", "class_weights", "numbers or 'balanced'", self.class_weights)
        else:
            require(
                len(self.class_weights) in (0, self.num_classes),
                "class_weights",
                f"one for each of num_classes={self.num_classes}",
                self.class_weights,
            )


@settings
class ImageClassificationCallbackConfig(CallbackConfig):
    """What the callbacks of image classification know.

    Attributes:
        class_names: names of the classes in the order of the labels; empty takes the inputter's.
    """

    class_names: Names = ()
