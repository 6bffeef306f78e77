"""TFRecord files of encoded images, with the feature names of TF-Slim's data sets."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from source.config.errors import DataError
from source.inputter._examples import Data, Encoded, Examples, counted
from source.inputter._faults import Faults

_IMAGE, _LABEL = "image/encoded", "image/class/label"
_BATCH = 256
_MISSING = -1
_FRAME = 16  # bytes around a record's data


def is_tfrecord(path: Path) -> bool:
    """Whether a file's name is that of a TFRecord file: `a.tfrecord`, `a.tfrecords`, `train-00000-of-00010`."""
    return ".tfrecord" in path.name or "-of-" in path.name


def load(path: Path, faults: Faults) -> Data:
    """Returns the encoded images of one file; they stay in memory, decoded when they are wanted.

    Args:
        path: a TFRecord file, not compressed.
        faults: what to do with a record without image or label.

    Raises:
        DataError: naming file and record, if the file is damaged or a record lacks a feature.
    """
    contents: list[bytes] = []
    labels: list[np.ndarray] = []
    try:
        for image, label in _parsed(path):
            contents += image.tolist()
            labels.append(label)
    except tf.errors.DataLossError as error:
        record, offset = _intact(path)
        raise DataError(
            f"{path}, record {record + 1}, offset {offset}: the file is damaged or ends too early."
        ) from error
    except tf.errors.NotFoundError as error:
        raise DataError(f"{path}: there is no such file.") from error
    except tf.errors.InvalidArgumentError as error:
        raise DataError(
            f"{path}: a record is not a tf.train.Example with {_IMAGE} (bytes) and {_LABEL} (int64)."
        ) from error
    if not contents:
        raise DataError(f"{path}: there is no record in the file.")
    origin = counted(str(path), len(contents), "record")
    has_image = np.array([len(image) > 0 for image in contents])
    for index in np.flatnonzero(~has_image):
        faults.add(origin.bad(int(index), f"there is no image: expected the feature {_IMAGE} (bytes)"))
    examples = Examples(Encoded(contents), np.concatenate(labels), origin)
    return Data(train=examples.take(np.flatnonzero(has_image)))


def _parsed(path: Path) -> tf.data.NumpyIterator:
    """Returns batches of encoded images and labels, parsed in parallel; a default where a feature is missing."""
    features = {
        _IMAGE: tf.io.FixedLenFeature((), tf.string, b""),
        _LABEL: tf.io.FixedLenFeature((), tf.int64, _MISSING),
    }

    def parse(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        parsed = tf.io.parse_example(records, features)
        return parsed[_IMAGE], parsed[_LABEL]

    dataset = tf.data.TFRecordDataset(str(path)).batch(_BATCH)
    return dataset.map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(1).as_numpy_iterator()


def _intact(path: Path) -> tuple[int, int]:
    """Returns how many records can be read, and the offset behind them.

    A record is its length (8 bytes), a checksum (4 bytes), the data, and another checksum (4 bytes).
    """
    records = offset = 0
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            records += 1
            offset += len(record) + _FRAME
    except tf.errors.DataLossError:
        pass
    return records, offset
