"""Tests of how exporters of one file write, verify and put in place."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.compressor.build import compressor
from source.config.errors import ConfigError, DataError, ExportError
from source.exporter.file_exporter import FileExporter, FileExporterConfig
from source.layer.compressed import Compressed


class KerasExporter(FileExporter):
    """Writes `.keras` files, with a mistake if it is told to make one."""

    suffix = ".keras"
    mistake = 0.0

    def write(self, model, path, examples):
        self.seen = model, path.name, [each.shape for each in examples]
        if self.mistake:
            given, model = model, keras.models.clone_model(model)
            model.set_weights(given.get_weights())
            model.layers[-1].bias.assign(model.layers[-1].bias + self.mistake)
        model.save(path)
        return ["written"]


def exporter(**settings):
    return KerasExporter(FileExporterConfig(**settings))


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(inputs))


def test_the_file_and_its_report_are_all_that_is_left(model, tmp_path):
    made = exporter()
    report = made.export_model(model, tmp_path / "a" / "m.keras", np.ones((100, 4)))
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["m.keras", "m.keras.report.json"]
    assert made.seen[1] != "m.keras"
    assert made.seen[2] == [(64, 4)]
    assert report.path == tmp_path / "a" / "m.keras"
    assert report.bytes == report.path.stat().st_size
    assert (report.examples, report.real_examples, report.relative) == (64, True, 0.0)
    assert report.notes == ("written",)
    assert json.loads((tmp_path / "a" / "m.keras.report.json").read_text())["bytes"] == report.bytes


def test_without_examples_random_ones_are_taken_and_said(model, tmp_path):
    report = exporter(examples=5).export_model(model, tmp_path / "m.keras")
    assert (report.examples, report.real_examples) == (5, False)


def test_a_file_that_answers_otherwise_is_rejected(model, tmp_path):
    made = exporter(tolerance=0.01)
    made.mistake = 1.0
    with pytest.raises(
        ExportError, match=r"answers otherwise than the model: .* and 0\.01 is accepted\. It is left as"
    ):
        made.export_model(model, tmp_path / "m.keras")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.keras.rejected", "m.keras.rejected.report.json"]
    found = json.loads((tmp_path / "m.keras.rejected.report.json").read_text())
    assert found["accepted"] is False
    assert found["outputs"][0]["largest"] == pytest.approx(1.0, rel=1e-5)  # the sum is rounded to float32


def test_a_rejected_file_leaves_the_earlier_one(model, tmp_path):
    exporter().export_model(model, tmp_path / "m.keras")
    before = (tmp_path / "m.keras").read_bytes()
    made = exporter(overwrite=True)
    made.mistake = 1.0
    with pytest.raises(ExportError):
        made.export_model(model, tmp_path / "m.keras")
    assert (tmp_path / "m.keras").read_bytes() == before


def test_the_tolerance_may_be_set(model, tmp_path):
    made = exporter(tolerance=100.0)
    made.mistake = 1.0
    assert made.export_model(model, tmp_path / "m.keras").accepted


def test_nothing_is_left_when_writing_fails(model, tmp_path):
    made = exporter()

    def fails(model, path, examples):
        path.write_bytes(b"half")
        raise ConfigError("cannot")

    made.write = fails
    with pytest.raises(ConfigError, match="cannot"):
        made.export_model(model, tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_kept(model, tmp_path):
    (tmp_path / "m.keras").write_bytes(b"mine")
    with pytest.raises(ConfigError, match=r"m\.keras exists already\. .*`overwrite=True`"):
        exporter().export_model(model, tmp_path / "m.keras")
    assert (tmp_path / "m.keras").read_bytes() == b"mine"


def test_a_prepared_model_is_written_as_it_is_finished(model, tmp_path):
    prepared = compressor("quantize_aware", weights="int4", activations=None, inputs=None).prepare(model)
    made = exporter()
    made.export_model(prepared, tmp_path / "m.keras")
    assert not any(isinstance(layer, Compressed) for layer in made.seen[0].layers)
    assert len(np.unique(made.seen[0].layers[-1].kernel)) <= 15


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([np.ones((2, 4)), np.ones((2, 4))], r"examples: expected 1 arrays of inputs, none empty\. Received: 2\."),
        (np.ones((0, 4)), r"examples: expected 1 arrays of inputs, none empty"),
        (np.ones((2, 5)), r"examples: input 0 has shape \(None, 4\)\. Received: \(2, 5\)\."),
    ],
)
def test_examples_must_fit(model, tmp_path, examples, message):
    with pytest.raises(DataError, match=message):
        exporter().export_model(model, tmp_path / "m.keras", examples)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match=r"examples: must be positive|`examples` must be positive"):
        FileExporterConfig(examples=0)
    with pytest.raises(ConfigError, match=r"tolerance.* at least 0"):
        FileExporterConfig(tolerance=-1.0)


def test_padding_of_the_last_batch_is_no_example(model, tmp_path):
    class Inputter:
        has_evaluation_data = True

        @staticmethod
        def input_fn(mode):
            assert mode == "evaluate"
            images, weights = np.arange(24, dtype=np.float32).reshape(6, 4), np.array([1, 1, 1, 1, 1, 0], np.float32)
            return tf.data.Dataset.from_tensor_slices({"image": images, "weight": weights}).batch(3)

    made = exporter()
    path = made.export(SimpleNamespace(model=model), Inputter, tmp_path / "1")
    assert path == tmp_path / made.name / "1" / "model.keras"
    assert made.seen[2] == [(5, 4)]
    assert json.loads(path.with_name("model.keras.report.json").read_text())["examples"] == 5
