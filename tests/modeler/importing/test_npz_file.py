"""Tests of arrays read out of `.npz` files."""

import io
import zipfile

import numpy as np
import pytest

from source.modeler.importing import npz_file


def write(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_by_name_in_the_order_of_the_file(tmp_path, save):
    arrays = {"b.weight": np.arange(6.0).reshape(2, 3).T, "a": np.float16(3), "n": np.array([True, False])}
    save(tmp_path / "w.npz", **arrays)
    read = npz_file.read(tmp_path / "w.npz")
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "w.npz", a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="a holds Python objects, which are never unpickled"):
        npz_file.read(tmp_path / "w.npz")


def test_an_array_that_claims_more_than_is_stored_is_refused_before_memory_is_taken(tmp_path):
    header = npy(np.zeros(2, np.float32)).replace(b"(2,), }             ", b"(2000000000000,), } ")
    with pytest.raises(ValueError, match="a claims 8,000,000,000,000 bytes, and 8 are stored for it"):
        npz_file.read(write(tmp_path / "w.npz", **{"a.npy": header}))


def test_a_member_that_is_no_array_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"a\.txt is no array: its name must end in \.npy"):
        npz_file.read(write(tmp_path / "w.npz", **{"a.txt": "text"}))
    with pytest.raises(ValueError, match="magic string is not correct"):
        npz_file.read(write(tmp_path / "w.npz", **{"a.npy": b"text text text"}))
    with pytest.raises(ValueError, match=r"a: expected version 1\.0 or 2\.0"):
        npz_file.read(write(tmp_path / "w.npz", **{"a.npy": b"\x93NUMPY\x09\x00" + bytes(99)}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        for _ in range(2):
            archive.writestr("a.npy", npy(np.zeros(2)))
    with pytest.raises(ValueError, match="two arrays called a"):
        npz_file.read(tmp_path / "w.npz")
