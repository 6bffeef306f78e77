"""Writes scalars and histograms for TensorBoard, and takes back points that a resumed run writes again.

`tf.summary` cannot say that a run was restarted, which leaves points twice when a run goes on from a
checkpoint that is older than its last summary. The format can: an event with a session log of status START
makes TensorBoard drop every point from its step on. So events are written here as what they are, protocol
buffers in a TFRecord file.
"""

import pathlib
import socket
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

# The version that TensorBoard expects first in a file; from 2 on it honours START.
_FILE_VERSION = "brain.Event:2"
_HISTOGRAM_BINS = 30


class EventFile:
    """One TensorBoard event file. Its name sorts by time: TensorBoard reads files in the order of names."""

    def __init__(self, folder: pathlib.Path, clock: Callable[[], float] = time.time) -> None:
        """Creates the file.

        Args:
            folder: where; it must exist.
            clock: returns seconds since 1970.
        """
        self._clock = clock
        name = f"events.out.tfevents.{clock():017.6f}.{socket.gethostname()}"
        self._writer = tf.io.TFRecordWriter(str(folder / name))
        self._write(file_version=_FILE_VERSION)

    def drop_after(self, step: int) -> None:
        """Makes TensorBoard forget all points of this folder behind `step`, also those in older files."""
        start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        self._write(step=step + 1, session_log=start)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Writes one point for each scalar."""
        points = [tf.compat.v1.Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(step=step, summary=tf.compat.v1.Summary(value=points))

    def histogram(self, name: str, values: np.ndarray, step: int) -> None:
        """Writes the histogram of the finite entries of `values`, in 30 bins of equal width."""
        finite = values[np.isfinite(values)].astype(np.float64)
        if finite.size == 0:
            return
        counts, edges = np.histogram(finite, bins=_HISTOGRAM_BINS)
        histogram = tf.compat.v1.HistogramProto(
            min=finite.min(),
            max=finite.max(),
            num=finite.size,
            sum=finite.sum(),
            sum_squares=np.square(finite).sum(),
            bucket_limit=edges[1:],
            bucket=counts,
        )
        point = tf.compat.v1.Summary.Value(tag=name, histo=histogram)
        self._write(step=step, summary=tf.compat.v1.Summary(value=[point]))

    def flush(self) -> None:
        """Hands what was written to the operating system, so that a kill does not lose it."""
        self._writer.flush()

    def close(self) -> None:
        """Writes the rest and closes the file."""
        self._writer.close()

    def _write(self, **fields: object) -> None:
        event = tf.compat.v1.Event(wall_time=self._clock(), **fields)
        self._writer.write(event.SerializeToString())
