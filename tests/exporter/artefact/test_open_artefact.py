"""Tests of opening exported files."""

import pytest

from source.config.errors import DataError
from source.exporter.artefact.open_artefact import open_artefact


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.tflite: there is no such file\."):
        open_artefact(tmp_path / "none.tflite")


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a folder that is no SavedModel"):
        open_artefact(tmp_path)


def test_an_unknown_kind_gets_the_nearest(tmp_path):
    (tmp_path / "a.tflit").write_bytes(b"")
    with pytest.raises(DataError, match=r"expected a file of kind \.esp, .*Did you mean `\.tflite`\?"):
        open_artefact(tmp_path / "a.tflit")


@pytest.mark.parametrize("suffix", ["esp", "keras", "onnx", "tflite", "npz"])
def test_a_broken_file_is_refused_by_its_name(tmp_path, suffix):
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(b"no model at all")
    with pytest.raises(ValueError, match=rf"a\.{suffix}"):
        open_artefact(file)
