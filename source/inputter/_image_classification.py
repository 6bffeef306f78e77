"""The inputter of image classification: labelled images from anywhere to batches."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from source.config import plugin
from source.config.errors import ConfigError, DataError
from source.config.image_classification_config import ImageClassificationInputterConfig
from source.config.settings import from_mapping
from source.inputter import _image, _pipeline, _report, _scan
from source.inputter._examples import Examples, Pixels, on_host
from source.inputter._faults import BadExample
from source.inputter._order import Order, Rows
from source.inputter._preparation import Preparation
from source.inputter._splits import Loader, Ready, Splits
from source.inputter.inputter import Inputter, check_split

Finish = Callable[[Rows, tf.Tensor, tf.Tensor | None], dict[str, tf.Tensor]]


class ImageClassificationInputter(Inputter):
    """Batches of labelled images, from whatever list of examples a plugin's loader finds.

    A batch is a dictionary of "image" (b, h, w, c) float32, "label" (b,) int32 (or (b, classes) float32 after
    mixing) and "weight" (b,) float32. A batch of the split "infer" has "index" (b,) int64 in place of the label: the
    position in `test_samples`, -1 for padding. Without `test_samples`, "infer" goes through the evaluation examples.

    Attributes:
        config: the settings.
    """

    def __init__(self, config: ImageClassificationInputterConfig, load: Loader, augmenter: Any = None) -> None:
        super().__init__(config)
        self.config: ImageClassificationInputterConfig = config
        augmenter = augmenter or _by_name(config, "augmenter", "augment")
        self._preparation = Preparation(
            augmenter,
            config.image_height,
            config.image_width,
            config.augmenter_speed_mode,
        )
        self._mixer = _by_name(config, "batch_augmenter", "augment_batch_labels")
        if self._mixer is None and hasattr(augmenter, "augment_batch_labels"):
            self._mixer = augmenter  # images and batches in one, such as `compose`
        self._splits = Splits(config, load)

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return self.config.num_classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in the order of the labels; numbers where nothing names them."""
        return self._splits.class_names

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a prepared image."""
        return self.config.image_height, self.config.image_width, self.config.image_depth

    @property
    def skipped(self) -> list[BadExample]:
        """The bad examples left out so far, under on_bad_example="skip"."""
        return self._splits.skipped

    def get_num_samples(self, split: str = "train") -> int:
        """Returns how many examples a split has, 0 if there is none.

        Under on_bad_example="skip" the first call reads all examples of the split, since only good ones count.

        Args:
            split: "train", "evaluate" or "infer".
        """
        check_split(split)
        return len(self._splits.examples(split))

    def class_counts(self, split: str = "train") -> tuple[int, ...]:
        """Returns how many examples each class has.

        Args:
            split: "train" or "evaluate".
        """
        check_split(split)
        labels = self._splits.examples(split).labels
        return tuple(np.bincount(labels, minlength=self.num_classes).tolist())

    def sample_names(self) -> tuple[str, ...]:
        """Returns the files that "infer" goes through, by their index; empty where examples are not files."""
        return self._splits.files("infer")

    def originals(self, split: str, count: int) -> list[np.ndarray]:
        """Returns images of a split before preprocessing, spread evenly over it: uint8 (h, w, c), of any size each.

        Args:
            split: "train", "evaluate" or "infer".
            count: at most so many; files that cannot be decoded are passed over.
        """
        check_split(split)
        return self._splits.originals(split, count)

    def decode(self, contents: tf.Tensor) -> tf.Tensor:
        """Returns the pixels of an encoded image: uint8 (h, w, c) with the configured channels.

        Args:
            contents: scalar string, the bytes of a PNG, JPEG, WebP, BMP or GIF file.
        """
        return _image.decode(contents, self.config.image_depth)

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
        """Returns images as evaluation, inference and an exported model take them.

        Args:
            images: uint8 or float (h, w, c) or (b, h, w, c) from 0 to 255.

        Returns:
            float32 (image_height, image_width, c) or (b, image_height, image_width, c).
        """
        return self._preparation.preprocess(images)

    def batches(self, split: str, order: Order, start_step: int, batch: int, is_training: bool) -> tf.data.Dataset:
        """Returns the batches of an order of the examples of a split; see `Inputter.batches`."""
        ready = self._splits.ready(split)
        made = _pipeline.Pipeline(
            source=ready.store or self._reader(ready),
            preparation=self._preparation,
            image_shape=self.image_shape,
            finish=_finish_infer(ready.kept) if split == "infer" else self._finish(ready.examples.labels, is_training),
            threads=self.config.num_parallel_calls,
        )
        return made.batches(order, start_step, batch, self.config.seed if is_training else None)

    def diagnose(
        self, split: str = "train", step: int = 0, replicas: int = 1, steps: int | None = None
    ) -> DataError | None:
        """Returns the error of the first bad example among those of some steps; see `Inputter.diagnose`."""
        check_split(split)
        examples = self._splits.examples(split)
        if isinstance(examples.payload, Pixels) or not len(examples):
            return None
        count = steps or -(-len(examples) // self.batch_size(replicas))
        order = self.order(split, replicas)
        rows = [order.rows(tf.constant(step + i, tf.int64)).index.numpy() for i in range(count)]
        index = np.concatenate(rows)
        in_turn = index[np.sort(np.unique(index, return_index=True)[1])]
        bad = _scan.first_bad(examples, in_turn, self._splits.need)
        return None if bad is None else DataError(str(bad))

    def inspect(self) -> _report.Report:
        """Returns what there is: decodes every example of every split, whatever `on_bad_example` says.

        Raises:
            DataError: if a file that lists or holds examples cannot be read at all.
        """
        return self._splits.inspect()

    def _reader(self, ready: Ready) -> _pipeline.FileReader:
        return _pipeline.FileReader(_encoded(ready.examples), self._splits.need, ready.shape)

    def _finish(self, labels: np.ndarray, is_training: bool) -> Finish:
        label_of = on_host(labels, tf.int32)

        def finish(rows: Rows, images: tf.Tensor, keys: tf.Tensor | None) -> dict[str, tf.Tensor]:
            label = tf.gather(label_of, rows.index)
            if is_training and self._mixer is not None:
                images, label = self._mixer.augment_batch_labels(images, label, keys, self.num_classes)
            return {"image": images, "label": label, "weight": rows.weight}

        return finish


def _encoded(examples: Examples) -> Callable[[tf.Tensor], tf.Tensor]:
    if isinstance(examples.payload, Pixels):
        raise TypeError("Decoded examples have no encoded bytes.")
    return examples.payload.reader()


def _finish_infer(kept: np.ndarray) -> Finish:
    position_of = on_host(kept, tf.int64)

    def finish(rows: Rows, images: tf.Tensor, keys: tf.Tensor | None) -> dict[str, tf.Tensor]:
        position = tf.where(rows.weight > 0, tf.gather(position_of, rows.index), -1)
        return {"image": images, "index": position, "weight": rows.weight}

    return finish


def _by_name(config: ImageClassificationInputterConfig, place: str, method: str) -> Any:
    """Returns the augmenter that the settings `place` and `place`_options describe; None without a name.

    Args:
        config: the settings.
        place: "augmenter" or "batch_augmenter".
        method: what it must be able to do.
    """
    name, options = getattr(config, place), getattr(config, f"{place}_options")
    if name is None:
        if options:
            raise ConfigError(
                f"Options are given for an augmenter, but no augmenter: set `{place}`, or leave out "
                f"`{place}_options`. Received: {options!r}."
            )
        return None
    module: ModuleType = plugin.resolve("augmenter", name)
    made: Any = module
    if hasattr(module, "build"):
        made = module.build(from_mapping(module.Config, options, f"{place}_options"))
    elif options:
        raise ConfigError(f"{place}_options: `{name}` takes no settings. Received: {options!r}.")
    if not hasattr(made, method):
        other = "batch_augmenter" if place == "augmenter" else "augmenter"
        raise ConfigError(f"{place}: `{name}` has no `{method}`. Is it meant to be the `{other}`?")
    return made
