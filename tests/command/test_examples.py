"""Tests of examples from files."""

import numpy as np
import PIL.Image
import pytest

from source.command.examples import read_examples
from source.config.errors import DataError

SHAPE = (None, 4, 6, 3)


@pytest.fixture
def pictures(tmp_path):
    PIL.Image.new("RGB", (6, 4), (255, 0, 51)).save(tmp_path / "a.png")
    PIL.Image.new("L", (12, 8), 100).save(tmp_path / "b.png")
    return [tmp_path / "a.png", tmp_path / "b.png"]


def test_pictures_come_in_the_size_and_colours_of_the_model(pictures):
    examples = read_examples(pictures, SHAPE)
    assert examples.names == ["a", "b"] and examples.labels is None
    assert examples.inputs[0].shape == (2, 4, 6, 3) and examples.inputs[0].dtype == np.float32
    np.testing.assert_array_equal(examples.inputs[0][0, 0, 0], [255, 0, 51])
    np.testing.assert_array_equal(examples.inputs[0][1], 100)
    assert read_examples(pictures, (None, 4, 6, 1), count=1).inputs[0].shape == (1, 4, 6, 1)


def test_pictures_are_normalized_as_asked(pictures):
    np.testing.assert_array_equal(
        read_examples(pictures, SHAPE, "unit").inputs[0][0, 0, 0], np.float32([1.0, 0.0, 0.2])
    )
    standard = read_examples(pictures, SHAPE, "standardize").inputs[0]
    # Sums of 72 float32 numbers near 1.
    np.testing.assert_allclose([standard[0].mean(), standard[0].std()], [0, 1], atol=1e-5)
    np.testing.assert_array_equal(standard[1], 0)


def test_arrays_are_inputs_and_y_is_labels(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.ones((3, 2)), y=np.asarray([4, 5, 6]))
    examples = read_examples([tmp_path / "d.npz"], (None, 2), count=2)
    assert [each.shape for each in examples.inputs] == [(2, 2)] and examples.names == ["d_0", "d_1"]
    np.testing.assert_array_equal(examples.labels, [4, 5])
    np.save(tmp_path / "e.npy", np.ones((3, 2)))
    assert read_examples([tmp_path / "e.npy"], (None, 2)).labels is None


def test_mistakes_are_named(tmp_path, pictures):
    with pytest.raises(DataError, match=r"the model takes no pictures: its input is \(None, 10\)"):
        read_examples(pictures, (None, 10))
    (tmp_path / "c.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"c\.png: is no picture that can be read\. cannot identify"):
        read_examples([tmp_path / "c.png"], SHAPE)
    np.savez(tmp_path / "d.npz", x=np.ones((3, 2)), z=np.ones((2, 2)))
    with pytest.raises(DataError, match=r"d\.npz: expected arrays of as many examples each, at least one"):
        read_examples([tmp_path / "d.npz"], (None, 2))
    with pytest.raises(DataError, match=r"expected one \.npy or \.npz file, or pictures\. Received: 2 files of arrays"):
        read_examples([tmp_path / "d.npz", tmp_path / "e.npy"], (None, 2))
