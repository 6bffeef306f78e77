"""Tests of the one call that exports."""

import keras
import pytest

import espalier
from source.config.errors import ConfigError, UnknownNameError
from source.exporter.build import export, exporter


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


def test_it_is_at_the_front_door():
    assert espalier.export is export


def test_a_suffix_that_says_nothing_gets_the_nearest(model, tmp_path):
    with pytest.raises(ConfigError, match=r"expected a file that ends with .*Did you mean `\.tflite`\?"):
        export(model, tmp_path / "m.tflit")


def test_the_kind_may_be_named(model, tmp_path):
    with pytest.raises(UnknownNameError, match=r"Did you mean `onnx`\?"):
        export(model, tmp_path / "m", kind="onx")


def test_settings_are_those_of_the_exporter(model, tmp_path):
    with pytest.raises(ConfigError, match=r"packed\.overwrit: unknown setting\. Did you mean `overwrite`\?"):
        export(model, tmp_path / "m.esp", overwrit=True)
    assert exporter("packed", overwrite=True).config.overwrite is True
