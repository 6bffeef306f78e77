"""Tests of integer programs as files that can be run."""

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.artefact.integer_file import IntegerProgram, open_file
from source.exporter.integer.program_file import write_program
from source.exporter.integer_lowering.lower import lowered
from tests.exporter.integer_models import images, residual_model


@pytest.fixture
def file(tmp_path):
    write_program(lowered(residual_model()), tmp_path / "net.npz")
    return open_file(tmp_path / "net.npz", None)


def test_numbers_go_in_and_come_out(file):
    assert file.kind == IntegerProgram.kind == "integer reference"
    assert file.input_specs == [((None, 8, 9, 4), "float32")]
    [found] = file.run([images()])
    assert (found.shape, found.dtype) == ((6, 5), np.float32)
    assert np.array_equal(found, residual_model().predict(images(), verbose=0))
    assert file.bytes == file.path.stat().st_size


def test_inputs_that_do_not_fit_are_refused(file):
    with pytest.raises(DataError, match=r"input 0 has shape \(None, 8, 9, 4\)"):
        file.run([images(shape=(8, 9, 3))])
