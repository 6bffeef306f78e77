"""Tests of the integer reference."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.config import NetworkConfig
from source.config.errors import ConfigError
from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.build import export
from source.exporter.integer.program import run
from source.exporter.integer_lowering.lower import lowered
from source.network import resnet8
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


@pytest.mark.slow
def test_its_codes_are_within_one_of_those_of_litert_on_resnet8(tmp_path):
    """LiteRT's reference kernels round as "double" does, but for the factors of a dense layer; XNNPACK as "single"."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    random = np.random.default_rng(0)
    x = random.uniform(0, 255, (200, 32, 32, 3)).round().astype(np.float32)
    rounding = compressor("quantize_post_training")
    model = resnet8.build(NetworkConfig(num_classes=10), keras.Input((32, 32, 3)))
    model = rounding.finish(rounding.prepare(model, calibration=x))
    export(model, tmp_path / "net.tflite", x, input_type="int8", output_type="int8", batch_size=1)
    kernels = interpreter.OpResolverType
    for resolver, rounding, equal in ((kernels.BUILTIN_REF, "double", 0.99), (kernels.AUTO, "single", 0.9)):
        program = lowered(model, rounding)
        codes = program.tensors[program.inputs[0]].rounded(x)
        file = interpreter.Interpreter(str(tmp_path / "net.tflite"), experimental_op_resolver_type=resolver)
        file.allocate_tensors()
        [given], [made] = file.get_input_details(), file.get_output_details()
        theirs = []
        for each in codes:
            file.set_tensor(given["index"], each[np.newaxis])
            file.invoke()
            theirs.append(file.get_tensor(made["index"])[0].copy())
        distance = np.abs(run(program, [codes])[0].astype(int) - np.stack(theirs))
        assert np.mean(distance == 0) >= equal
        assert np.mean(distance <= 1) >= 0.999
