"""Tests of the integer reference."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.build import export
from tests.exporter.integer_models import images, residual_model


def test_the_file_answers_what_the_model_answers_and_says_how_wide_accumulators_are(tmp_path):
    model, x = residual_model(), images()
    report = export(model, tmp_path / "net.npz", x)
    assert report.relative == 0.0
    assert len(report.notes) == 7
    assert report.notes[0] == "conv: accumulator of 20 bits, at most 327,216"
    file = open_artefact(tmp_path / "net.npz")
    assert np.array_equal(file.run([x])[0], model.predict(x, verbose=0))


def test_the_rounding_is_written(tmp_path):
    export(residual_model(), tmp_path / "net.npz", images(), rounding="double")
    assert open_artefact(tmp_path / "net.npz").program.rounding == "double"
    with pytest.raises(ConfigError, match="rounding"):
        export(residual_model(), tmp_path / "other.npz", rounding="up")


def test_a_refused_model_leaves_no_file(tmp_path):
    inputs = keras.Input((3,))
    with pytest.raises(ConfigError, match="The output of layer `plain`"):
        export(keras.Model(inputs, keras.layers.Dense(2, name="plain")(inputs)), tmp_path / "net.npz")
    assert list(tmp_path.iterdir()) == []
