import itertools

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from source.callback._event_file import EventFile


def points(folder, tag):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return [(event.step, event.value) for event in accumulator.Scalars(tag)]


@pytest.fixture
def clock():
    return itertools.count(1_700_000_000.0, 0.001).__next__


def test_scalars_are_read_by_tensorboard(tmp_path, clock):
    file = EventFile(tmp_path, clock)
    file.scalars({"loss": 0.5, "accuracy": 0.25}, 10)
    file.scalars({"loss": 0.125}, 20)
    file.close()
    assert points(tmp_path, "loss") == [(10, 0.5), (20, 0.125)]
    assert points(tmp_path, "accuracy") == [(10, 0.25)]


def test_points_behind_the_step_of_a_restart_are_dropped_from_older_files(tmp_path, clock):
    file = EventFile(tmp_path, clock)
    for step in (10, 20, 30):
        file.scalars({"loss": float(step)}, step)
    file.close()
    again = EventFile(tmp_path, clock)
    again.drop_after(20)
    again.scalars({"loss": 31.0}, 30)
    again.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert points(tmp_path, "loss") == [(10, 10.0), (20, 20.0), (30, 31.0)]


def test_what_was_flushed_survives_a_kill(tmp_path, clock):
    file = EventFile(tmp_path, clock)
    file.scalars({"loss": 0.5}, 10)
    file.flush()
    assert points(tmp_path, "loss") == [(10, 0.5)]
    file.close()


def test_a_histogram_counts_the_finite_values(tmp_path, clock):
    file = EventFile(tmp_path, clock)
    file.histogram("weights", np.array([[0.0, 1.0], [2.0, np.nan]], np.float32), 10)
    file.histogram("nothing", np.array([np.nan]), 10)
    file.close()
    accumulator = EventAccumulator(str(tmp_path))
    accumulator.Reload()
    assert accumulator.Tags()["histograms"] == ["weights"]
    (event,) = accumulator.Histograms("weights")
    value = event.histogram_value
    assert (event.step, value.min, value.max, value.num, value.sum, value.sum_squares) == (10, 0, 2, 3, 3, 5)
    assert sum(value.bucket) == 3
    assert (value.bucket[0], value.bucket[15], value.bucket[29]) == (1, 1, 1)


def test_the_file_is_a_tfrecord_that_begins_with_the_version(tmp_path, clock):
    EventFile(tmp_path, clock).close()
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("events.out.tfevents.1700000000.000000.")
    (record,) = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    assert tf.compat.v1.Event.FromString(record).file_version == "brain.Event:2"
