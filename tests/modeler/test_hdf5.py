import h5py
import numpy as np
import pytest

from source.modeler import _hdf5


@pytest.fixture
def archive(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(16))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/values"] = np.arange(3.0)
        file["soft"] = h5py.SoftLink("/group/values")
        file["outside"] = h5py.ExternalLink("other.h5", "/")
        file.create_dataset("elsewhere", (4,), "f4", external=[(str(tmp_path / "secret"), 0, 16)])
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
        file.create_virtual_dataset("virtual", layout)
        yield file


def test_what_lies_in_the_file_is_given(archive):
    values = _hdf5.member(_hdf5.member(archive, "group"), "values")
    np.testing.assert_array_equal(_hdf5.array(values), [0, 1, 2])


@pytest.mark.parametrize("name", ["soft", "outside"])
def test_links_are_not_followed(archive, name):
    with pytest.raises(ValueError, match=f"it has a link at //{name}"):
        _hdf5.member(archive, name)


@pytest.mark.parametrize("name", ["elsewhere", "virtual"])
def test_values_in_other_files_are_not_read(archive, name):
    with pytest.raises(ValueError, match=f"/{name} lies in another file"):
        _hdf5.array(archive[name])


def test_what_is_not_there_is_named(archive):
    with pytest.raises(ValueError, match=r"it has no bias in /group$"):
        _hdf5.member(archive["group"], "bias")
    with pytest.raises(ValueError, match="it has no bias in /group/values"):
        _hdf5.member(archive["group/values"], "bias")


def test_a_group_is_no_array(archive):
    with pytest.raises(ValueError, match="/group is no array"):
        _hdf5.array(archive["group"])
