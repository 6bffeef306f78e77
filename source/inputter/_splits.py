"""The splits of a data set, loaded when first asked for: their examples, the good ones, and pixels in memory."""

import dataclasses
import logging
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from source.config.errors import ConfigError
from source.config.image_classification_config import ImageClassificationInputterConfig
from source.inputter import _image, _memory, _report, _scan, _split, _store
from source.inputter._examples import Data, Encoded, Examples, Files, Pixels, one_file_each, with_labels_in_range
from source.inputter._faults import BadExample, Faults
from source.inputter.inputter import SPLITS

_LOG = logging.getLogger(__name__)

Loader = Callable[[Faults], Data]


@dataclasses.dataclass(frozen=True)
class Ready:
    """A split that can be read.

    Attributes:
        examples: the examples, without bad ones that were skipped.
        kept: int64 (n,), the position of each in the whole list.
        store: decoded pixels; None if they are decoded whenever they are wanted.
        shape: (h, w, c) that all images have, as far as is known; None if there are several.
    """

    examples: Examples
    kept: np.ndarray
    store: _store.Store | None
    shape: tuple[int, int, int] | None


class Splits:
    """The splits "train", "evaluate" and "infer" of what a loader finds.

    Attributes:
        need: what makes an image usable.
    """

    def __init__(self, config: ImageClassificationInputterConfig, load: Loader) -> None:
        self.need = _scan.Need(config.image_depth, config.min_image_side)
        self._config, self._load = config, load
        self._faults = Faults(config.on_bad_example)
        self._data: Data | None = None
        self._examples: dict[str, Examples] = {}
        self._ready: dict[str, Ready] = {}

    @property
    def skipped(self) -> list[BadExample]:
        """The bad examples left out so far."""
        return list(self._faults.found)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in the order of the labels; numbers where nothing names them."""
        config = self._config
        return config.class_names or self._loaded().class_names or tuple(map(str, range(config.num_classes)))

    def examples(self, split: str) -> Examples:
        """Returns the examples of a split: the good ones if bad ones are skipped, otherwise all.

        Args:
            split: "train", "evaluate" or "infer".
        """
        if self._config.on_bad_example == "skip" or split in self._ready:
            return self.ready(split).examples
        return self._listed(split)

    def ready(self, split: str) -> Ready:
        """Returns a split that can be read, decoded into memory where that is wanted and fits.

        Args:
            split: "train", "evaluate" or "infer".

        Raises:
            DataError: naming file and row, if a bad example turns up and on_bad_example="stop".
        """
        if split not in self._ready:
            before = len(self._faults.found)
            self._ready[split] = self._prepared(self._listed(split))
            self._tell(split, self._faults.found[before:])
        return self._ready[split]

    def files(self, split: str) -> tuple[str, ...]:
        """Returns the file of each example of a split, bad ones included; empty where examples are not files.

        Args:
            split: "train", "evaluate" or "infer".
        """
        payload = self._listed(split).payload
        return tuple(map(str, payload.paths)) if isinstance(payload, Files) else ()

    def originals(self, split: str, count: int) -> list[np.ndarray]:
        """Returns decoded images of a split, spread evenly over it; files that cannot be decoded are passed over.

        Args:
            split: "train", "evaluate" or "infer".
            count: at most so many.
        """
        examples = self.examples(split)
        spread = np.linspace(0, max(len(examples) - 1, 0), min(count, len(examples))).astype(int)
        found = [_decoded(examples.payload, index, self._config.image_depth) for index in spread.tolist()]
        return [image for image in found if image is not None]

    def inspect(self) -> _report.Report:
        """Returns what there is, by decoding every example of every split, whatever `on_bad_example` says."""
        faults = Faults("skip")
        data = self._load(faults)
        splits = {}
        for split in SPLITS if self._config.test_samples else SPLITS[:2]:
            examples = self._chosen(split, data, faults)
            if len(examples):
                splits[split] = self._inspected(examples, faults)
        return _report.Report(self.class_names, splits, tuple(faults.found))

    def _loaded(self) -> Data:
        if self._data is None:
            before = len(self._faults.found)
            self._data = self._load(self._faults)
            self._tell("lists", self._faults.found[before:])
        return self._data

    def _listed(self, split: str) -> Examples:
        if split not in self._examples:
            data = Data() if split == "infer" and self._config.test_samples else self._loaded()
            self._examples[split] = self._chosen(split, data, self._faults)
        return self._examples[split]

    def _chosen(self, split: str, data: Data, faults: Faults) -> Examples:
        """Returns the examples of a split out of what was found."""
        config = self._config
        if split == "infer" and config.test_samples:
            return _unlabelled(config.test_samples)
        found = data.train if split == "train" else data.evaluate
        if config.validation_fraction and data.evaluate is not None and data.train is not None:
            raise ConfigError(
                "`validation_fraction` sets aside a part of the training data where no other data is to be evaluated "
                "on, but there is. Leave it out, or leave out `eval_dataset_meta` and name the training files alone "
                f"(`data_batch_*.bin`). Received: validation_fraction={config.validation_fraction}."
            )
        has_hold_out = data.evaluate is None and data.train is not None and config.validation_fraction > 0
        if has_hold_out:
            found = data.train
        if found is None:
            return _unlabelled(())
        found = with_labels_in_range(found, config.num_classes, faults)
        if not has_hold_out:
            return found
        train, held_out = _split.stratified(found.labels, config.validation_fraction, config.seed)
        return found.take(train if split == "train" else held_out)

    def _prepared(self, examples: Examples) -> Ready:
        everything = np.arange(len(examples))
        if isinstance(examples.payload, Pixels):
            store = _store.EqualStore(examples.payload.array)
            return Ready(examples, everything, store, store.shape)
        limit, shape = self._plan(examples)
        if self._config.on_bad_example == "stop" and not limit:
            return Ready(examples, everything, None, shape)
        threads, gives_up = self._config.num_parallel_calls, self._config.on_bad_example == "stop"
        found = _scan.scan(examples, self.need, self._faults, limit, threads, gives_up)
        if found is None:
            return Ready(examples, everything, None, shape)
        return Ready(examples.take(found.kept), found.kept, found.store, _one_shape(found.shapes))

    def _plan(self, examples: Examples) -> tuple[int, tuple[int, int, int] | None]:
        """Returns the bytes that decoded pixels may take, 0 if they would not fit, and the shape all seem to have."""
        if not len(examples):
            return 0, None
        shapes, bad = _scan.sample(examples, self.need)
        if bad is not None and self._config.on_bad_example == "stop":
            self._faults.add(bad)
        if self._config.cache == "never" or not len(shapes):
            return 0, _one_shape(shapes)
        used = sum(ready.store.size_bytes for ready in self._ready.values() if ready.store)
        limit = _memory.cache_limit_bytes(self._config.cache_limit_mb) - used
        expected = float(np.prod(shapes, axis=1).mean()) * len(examples)
        return (limit if expected <= limit else 0), _one_shape(shapes)

    def _inspected(self, examples: Examples, faults: Faults) -> _report.SplitReport:
        payload = examples.payload
        if isinstance(payload, Pixels):
            shapes = np.tile(payload.array.shape[1:], (len(examples), 1))
            return _report.split_report(examples.labels, shapes, self._config.num_classes)
        found = _scan.scan(examples, _scan.Need(None, self.need.min_side), faults)
        shapes, kept = (found.shapes, found.kept) if found else (np.zeros((0, 3)), np.zeros(0, np.int64))
        return _report.split_report(examples.labels[kept], shapes, self._config.num_classes)

    def _tell(self, what: str, bad: list[BadExample]) -> None:
        if bad:
            _LOG.warning("%s: skipped %d bad examples; the first is %s", what, len(bad), bad[0])


def _decoded(payload: Files | Encoded | Pixels, index: int, depth: int) -> np.ndarray | None:
    """Returns the image at a position, or None if it cannot be decoded."""
    if isinstance(payload, Pixels):
        return _image.with_depth(tf.constant(payload.array[index]), depth).numpy()
    try:
        return _image.decode(tf.constant(payload.read(index)), depth).numpy()
    except (OSError, ValueError, tf.errors.InvalidArgumentError):
        return None


def _unlabelled(paths: tuple[str, ...]) -> Examples:
    return Examples(Files(paths), np.zeros(len(paths), np.int64), one_file_each(paths))


def _one_shape(shapes: np.ndarray) -> tuple[int, int, int] | None:
    if not len(shapes) or (shapes != shapes[0]).any():
        return None
    height, width, channels = shapes[0].tolist()
    return height, width, channels
