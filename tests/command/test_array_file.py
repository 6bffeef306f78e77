"""Tests of arrays from files."""

import numpy as np
import pytest

from source.command.array_file import read_arrays
from source.config.errors import DataError


def test_one_array_or_several_in_their_order(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3))
    np.savez(tmp_path / "x.npz", z=np.zeros(1), a=np.ones(2))
    assert [each.tolist() for each in read_arrays(tmp_path / "x.npy")] == [[0, 1, 2]]
    assert [each.tolist() for each in read_arrays(tmp_path / "x.npz")] == [[0], [1, 1]]


def test_what_holds_no_numbers_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.npy: there is no such file\."):
        read_arrays(tmp_path / "none.npy")
    np.save(tmp_path / "o.npy", np.array([{}], object))
    (tmp_path / "t.npy").write_text("text")
    (tmp_path / "e.npy").write_bytes(b"")
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04cut")
    for name in ("o.npy", "t.npy", "e.npy", "c.npz"):
        with pytest.raises(DataError, match=rf"{name}: expected a \.npy or \.npz file of numbers\."):
            read_arrays(tmp_path / name)
    np.savez(tmp_path / "n.npz")
    with pytest.raises(DataError, match=r"n\.npz: holds no array\."):
        read_arrays(tmp_path / "n.npz")
