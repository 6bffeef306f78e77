import errno
import os
import random

import ml_dtypes
import numpy as np
import pytest

from source.config.errors import CheckpointError
from source.runner import _checkpoint
from source.runner._checkpoint import (
    Checkpoint,
    checkpoint_path,
    list_checkpoints,
    read_checkpoint,
    write_checkpoint,
)


def sample(step=3):
    generator = np.random.default_rng(0)
    arrays = {
        "model/conv1/kernel": generator.normal(size=(3, 3, 2, 4)).astype(np.float32),
        "optimizer/iteration": np.array(step, np.int64),
        "model/special": np.array([np.nan, np.inf, -0.0, 1e-42], np.float32),
        "model/low": np.array([1.5, -2.0], ml_dtypes.bfloat16),
        "model/empty": np.zeros((0, 4), np.float32),
        "model/seed": np.array([1, 2**63 - 1], np.int64),
    }
    return Checkpoint(arrays, {"step": step, "callbacks": {"a": {"best": 0.1 + 0.2}}})


def test_every_bit_and_every_type_comes_back(tmp_path):
    path = checkpoint_path(tmp_path / "new" / "folder", 3)
    write_checkpoint(path, sample())
    restored = read_checkpoint(path)
    assert path.name == "checkpoint-00000003.npz"
    assert list(restored.arrays) == list(sample().arrays)
    for name, array in sample().arrays.items():
        assert restored.arrays[name].dtype == array.dtype
        assert restored.arrays[name].tobytes() == array.tobytes()
    assert restored.record == sample().record


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"checkpoint-00000001\.npz: there is no such checkpoint\."):
        read_checkpoint(checkpoint_path(tmp_path, 1))


def test_any_cut_and_any_changed_byte_of_an_array_is_refused(tmp_path):
    path = checkpoint_path(tmp_path, 3)
    write_checkpoint(path, sample())
    whole = path.read_bytes()
    kernel = whole.index(sample().arrays["model/conv1/kernel"].tobytes())
    generator = random.Random(0)
    for length in generator.sample(range(len(whole)), 40):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="not a readable checkpoint"):
            read_checkpoint(path)
    for place in generator.sample(range(kernel, kernel + 3 * 3 * 2 * 4 * 4), 40):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError, match="not a readable checkpoint"):
            read_checkpoint(path)


def test_a_file_with_pickled_objects_is_refused(tmp_path):
    path = checkpoint_path(tmp_path, 1)
    with open(path, "wb") as file:
        np.savez(file, record=np.array([{"step": 1}], object))
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        read_checkpoint(path)


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = checkpoint_path(tmp_path, 3)
    write_checkpoint(path, sample(3))
    before = path.read_bytes()

    def refuse(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_checkpoint.os, "fsync", refuse)
    with pytest.raises(CheckpointError, match="could not be written: No space left on device"):
        write_checkpoint(path, sample(4))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint-00000003.npz"]


def test_the_newest_are_kept_and_half_written_files_removed(tmp_path):
    for step in (10, 9, 100):
        checkpoint_path(tmp_path, step).write_bytes(b"")
    (tmp_path / "checkpoint-00000101.npz.tmp").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("kept")
    assert [step for step, _ in list_checkpoints(tmp_path)] == [9, 10, 100]
    _checkpoint.remove_old_checkpoints(tmp_path, keep=2)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "checkpoint-00000010.npz",
        "checkpoint-00000100.npz",
        "notes.txt",
    ]


def test_a_folder_that_is_not_there_holds_no_checkpoints(tmp_path):
    assert list_checkpoints(tmp_path / "nowhere") == []
