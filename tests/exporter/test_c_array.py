"""Tests of the C exporter."""

import shutil

import pytest

from source.config.errors import ConfigError, ExportError
from source.exporter import c_array
from source.exporter.build import export
from tests.exporter.integer_models import images, residual_model


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_header_is_compiled_and_its_codes_are_compared(tmp_path):
    report = export(residual_model(), tmp_path / "net.h", images(), prefix="tiny")
    assert report.relative == 0.0
    assert report.notes[0].endswith("bytes of memory for activations")
    assert report.notes[1] == "compiled with `cc` and run: its codes equal those of the integer program"
    text = (tmp_path / "net.h").read_text()
    assert "static void tiny_infer(const tiny_code *input, tiny_code *output)" in text
    assert report.bytes == len(text)


def test_without_a_compiler_the_program_is_compared_and_the_report_says_so(tmp_path):
    report = export(residual_model(), tmp_path / "net.h", images(), compiler="no-such-compiler")
    assert report.relative == 0.0
    assert report.notes[1].startswith("not compiled: there is no compiler `no-such-compiler`")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_code_that_differs_is_an_error(tmp_path, monkeypatch):
    answers = c_array.compiled_answers
    monkeypatch.setattr(c_array, "compiled_answers", lambda *given: answers(*given) + 1)
    with pytest.raises(ExportError, match="c_array: 30 of 30 codes are others than the integer program's"):
        export(residual_model(), tmp_path / "net.h", images())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["", "2x", "a b", "x*/", "a" * 41, "_x"])
def test_prefixes_that_are_no_names_are_refused(prefix):
    with pytest.raises(ConfigError, match="prefix"):
        c_array.Config(prefix=prefix)


def test_a_header_of_somebody_else_is_not_verified(tmp_path):
    with pytest.raises(ExportError, match="verified by the exporter that wrote it"):
        c_array.build(c_array.Config()).answered(tmp_path / "net.h", [images()])
