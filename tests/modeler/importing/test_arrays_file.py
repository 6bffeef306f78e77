"""Tests that every kind of file is read by its reader, and what cannot be is named."""

import contextlib

import keras
import numpy as np
import pytest

from source.config.errors import CheckpointError
from source.modeler.importing.arrays_file import read_arrays


def test_the_suffix_says_which_kind_a_file_is(tmp_path):
    np.savez(tmp_path / "w.npz", a=np.ones(2))
    assert list(read_arrays(str(tmp_path / "w.npz"))) == ["a"]


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(CheckpointError, match=r"^none\.npz: there is no such file, nor a TensorFlow checkpoint"):
        read_arrays("none.npz")


def test_pickles_are_never_opened(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"cos\nsystem\n")
    with pytest.raises(CheckpointError, match="is a pickle, which runs what it says and is not read"):
        read_arrays(str(tmp_path / "w.pth"))


def test_other_kinds_are_refused_with_the_nearest(tmp_path):
    (tmp_path / "w.safetensor").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"are not read\. Did you mean `\.safetensors`\?"):
        read_arrays(str(tmp_path / "w.safetensor"))
    (tmp_path / "w").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"are not read\. Known: \.npz, \.safetensors"):
        read_arrays(str(tmp_path / "w"))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".keras", ".h5", ".weights", ".net", ".index"])
@pytest.mark.parametrize("content", [b"", b"no such format at all, and some more bytes of it"])
def test_a_broken_file_is_named(tmp_path, suffix, content):
    (tmp_path / f"w{suffix}").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"w\{suffix} cannot be read: "):
        read_arrays(str(tmp_path / f"w{suffix}"))


def test_a_file_without_numbers_is_refused(tmp_path):
    np.savez(tmp_path / "none.npz")
    with pytest.raises(CheckpointError, match=r"none\.npz cannot be read: it has no arrays\."):
        read_arrays(str(tmp_path / "none.npz"))
    np.savez(tmp_path / "text.npz", a=np.array(["text"]))
    with pytest.raises(CheckpointError, match="a holds no real numbers but <U4"):
        read_arrays(str(tmp_path / "text.npz"))


@pytest.mark.parametrize("name", ["w.npz", "w.weights.h5", "w.keras"])
def test_a_file_with_changed_bytes_is_read_or_refused(tmp_path, name):
    path = tmp_path / name
    if name == "w.npz":
        np.savez_compressed(path, a=np.arange(200.0), b=np.ones((3, 4)))
    else:
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="d")])
        (model.save if name == "w.keras" else model.save_weights)(path)
    sound = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(100):
        changed = bytearray(sound)
        for place in random.integers(len(sound), size=random.integers(1, 8)):
            changed[place] = random.integers(256)
        path.write_bytes(changed)
        with contextlib.suppress(CheckpointError):
            read_arrays(str(path))
