"""Tests of what a path's suffix says."""

import pathlib

import pytest

from source.config import plugin
from source.config.errors import ConfigError, UnknownNameError
from source.exporter.suffixes import exporter_name


@pytest.mark.parametrize(
    ("path", "name"),
    [("m.tflite", "litert"), ("a.b/m.onnx", "onnx"), ("m.esp", "packed"), ("served/1", "saved_model")],
)
def test_a_suffix_names_its_exporter(path, name, monkeypatch):
    monkeypatch.setattr(plugin, "locate", lambda room, name: f"{room}.{name}")
    assert exporter_name(pathlib.Path(path)) == name


def test_a_kind_goes_before_the_suffix():
    assert exporter_name(pathlib.Path("m.tflite"), "saved_model") == "saved_model"


def test_a_suffix_that_says_nothing_gets_the_nearest_and_the_rule_for_folders():
    message = (
        r"^path: expected a file that ends with \.esp, \.h, \.npz, \.onnx, \.tflite, or a folder without a suffix for "
        r"a SavedModel\. Received: m\.tflit\. Did you mean `\.tflite`\?$"
    )
    with pytest.raises(ConfigError, match=message):
        exporter_name(pathlib.Path("m.tflit"))


def test_a_kind_that_does_not_exist_gets_the_nearest():
    with pytest.raises(UnknownNameError, match=r"exporter `saved_modl`: .* Did you mean `saved_model`\?"):
        exporter_name(pathlib.Path("m"), "saved_modl")
