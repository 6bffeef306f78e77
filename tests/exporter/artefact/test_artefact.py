"""Tests of what every exported file is to those who run it."""

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.artefact.artefact import Artefact, size_on_disk


class Two(Artefact):
    kind = "test"

    @property
    def input_specs(self):
        return [((None, 4), "float32"), ((None, None, 2), "int32")]

    def run(self, inputs):
        return list(inputs)


def test_the_size_is_that_of_the_file(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert size_on_disk(tmp_path / "a") == 5
    assert Two(tmp_path / "a").bytes == 5


def test_the_size_of_a_folder_is_that_of_all_files_below(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"123")
    assert size_on_disk(tmp_path) == 8


def test_inputs_that_fit_pass(tmp_path):
    Two(tmp_path).check_inputs([np.zeros((7, 4)), np.zeros((7, 9, 2))])


def test_a_missing_input_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected 2 inputs\. Received: 1\."):
        Two(tmp_path).check_inputs([np.zeros((7, 4))])


@pytest.mark.parametrize("shape", [(7, 5), (7,), (7, 4, 1)])
def test_an_input_of_another_shape_is_refused(tmp_path, shape):
    with pytest.raises(DataError, match=r"input 0 has shape \(None, 4\)\. Received: \(7,"):
        Two(tmp_path).check_inputs([np.zeros(shape), np.zeros((7, 9, 2))])
