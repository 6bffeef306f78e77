"""Tests of the report of an export."""

import json
import math

from source.exporter.report import ExportReport
from source.exporter.verification import Difference


def report(path, *outputs, tolerance=0.1):
    return ExportReport("onnx", path, 7, 4, True, tuple(outputs), tolerance, ("a note",))


def test_every_output_must_be_within_the_tolerance(tmp_path):
    good, bad = Difference(0.1, 0.0, 1.0, 1.0), Difference(0.3, 0.0, 2.0, 0.5)
    assert report(tmp_path, good).accepted
    assert not report(tmp_path, good, bad).accepted
    assert report(tmp_path, good, bad).relative == 0.15


def test_it_is_written_as_json_with_the_bytes_of_the_file(tmp_path):
    file = tmp_path / "a.onnx"
    file.write_bytes(b"123")
    report(tmp_path, Difference(math.inf, 0.5, 1.0, None)).at(file).write(tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["path"] == "a.onnx"
    assert found["bytes"] == 3
    assert found["accepted"] is False
    assert found["outputs"] == [
        {"largest": None, "mean": 0.5, "reference_range": 1.0, "agreement": None, "relative": None}
    ]


def test_it_reads_as_a_sentence(tmp_path):
    text = str(report(tmp_path / "a.onnx", Difference(0.05, 0.0, 1.0, 0.75)))
    assert text.endswith("a note")
    assert "a.onnx, 7 bytes; differs from the model by 5.00e-02 of the range" in text
    assert "on 4 given inputs, 75.00% same index of the largest." in text
