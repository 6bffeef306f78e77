"""Stands for an inputter where only a model is looked at: it says what images are like, and reads nothing."""

from typing import TYPE_CHECKING, Any

from source.config.errors import ConfigError, DataError
from source.inputter._order import Order
from source.inputter.inputter import Inputter

if TYPE_CHECKING:
    import tensorflow as tf


class WithoutData(Inputter):
    """No examples of the size and the classes that the settings of another inputter name."""

    def __init__(self, inputter: Any) -> None:
        super().__init__(inputter.config)
        config = inputter.config
        self.num_classes: int = config.num_classes
        self.image_shape = (config.image_height, config.image_width, config.image_depth)
        self.class_names: tuple[str, ...] = tuple(config.class_names) or tuple(map(str, range(config.num_classes)))

    def class_counts(self, split: str = "train") -> tuple[int, ...]:
        """Returns no counts."""
        return ()

    def get_num_samples(self, split: str = "train") -> int:
        """Returns 0."""
        return 0

    def batches(self, split: str, order: Order, start_step: int, batch: int, is_training: bool) -> "tf.data.Dataset":
        """Raises `ConfigError`: there are none."""
        raise ConfigError("inputter: no data is read here.")

    def diagnose(
        self, split: str = "train", step: int = 0, replicas: int = 1, steps: int | None = None
    ) -> DataError | None:
        """Returns None."""
        return None


def without_data(inputter: Any) -> Any:
    """Returns what stands for an inputter; the inputter itself, where its settings do not say what images are like.

    Args:
        inputter: of an application.
    """
    said = ("num_classes", "image_height", "image_width", "image_depth", "class_names")
    return WithoutData(inputter) if all(hasattr(inputter.config, name) for name in said) else inputter
