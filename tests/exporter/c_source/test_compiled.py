"""Tests of C headers that are compiled and run."""

import shutil

import keras
import numpy as np
import pytest

from source.config.errors import ExportError
from source.exporter.c_source.compiled import compiled_answers, has_compiler
from source.exporter.c_source.header import header
from source.exporter.integer.program import run
from source.exporter.integer_lowering.lower import lowered
from source.layer.learned_quantize import LearnedStep
from tests.exporter.integer_lowering.test_lower import low_bit
from tests.exporter.integer_models import images, residual_model, rounded, with_codes

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
layers = keras.layers


def nine_bits():
    """Returns a model with weights of 9 bits and codes of 16, a padded mean and tensors that are joined."""
    inputs = keras.Input((5, 6, 2), name="image")
    x = LearnedStep(8, signed=False)(inputs)
    x = LearnedStep(12)(layers.Conv2D(3, 2, name="c")(x))
    x = LearnedStep(9)(layers.AveragePooling2D(3, strides=2, padding="same")(x))
    x = layers.Concatenate(axis=2)([x, layers.ZeroPadding2D(((0, 0), (1, 0)))(x)])
    outputs = LearnedStep(14)(layers.Dense(2)(layers.GlobalMaxPooling2D()(x)))
    model = with_codes(keras.Model(inputs, outputs), largest=255)
    for layer in model.layers:
        if isinstance(layer, LearnedStep):
            layer.value.assign(0.03)
    return model


def of_one_code():
    inputs = keras.Input((4,), name="image")
    return keras.Model(inputs, rounded(layers.ReLU()(rounded(inputs)), scale=0.125))


@needs_compiler
@pytest.mark.parametrize("rounding", ["single", "double"])
@pytest.mark.parametrize("make", [residual_model, lambda: low_bit(2), lambda: low_bit(4), nine_bits, of_one_code])
def test_compiled_codes_equal_those_of_the_executor(make, rounding, tmp_path):
    program = lowered(make(), rounding)
    source, target = program.tensors[program.inputs[0]], program.tensors[program.outputs[0]]
    codes = source.rounded(images(20, source.shape))
    [expected] = run(program, [codes])
    path = tmp_path / "net.h"
    path.write_text(header(program, "net", codes[:1]).text)
    wide = "typedef int16_t net_code" in path.read_text()
    given = codes.astype(np.int16 if wide else np.int8)
    found = compiled_answers(path, "net", "cc", given, int(np.prod(target.shape)))
    assert np.array_equal(found, expected.reshape(found.shape))
    assert len(np.unique(found)) > 2


@needs_compiler
def test_text_that_is_no_c_and_tests_that_fail_are_told(tmp_path):
    program = lowered(of_one_code())
    codes = np.zeros((1, 4), np.int8)
    path = tmp_path / "net.h"
    text = header(program, "net", codes).text
    path.write_text(text.replace("static void net_infer", "static void net infer"))
    with pytest.raises(ExportError, match="the file cannot be compiled"):
        compiled_answers(path, "net", "cc", codes, 4)
    path.write_text(text.replace("net_test_output[] = {\n    ", "net_test_output[] = {\n    9"))
    with pytest.raises(ExportError, match=r"fails its own test \(exit code 3\)"):
        compiled_answers(path, "net", "cc", codes, 4)
    path.write_text(text)
    with pytest.raises(ExportError, match=r"5 codes were expected of the program\. Received: 4"):
        compiled_answers(path, "net", "cc", codes, 5)


def test_a_compiler_that_is_not_there(tmp_path):
    assert not has_compiler("no-such-compiler")
    assert not has_compiler("")
    (tmp_path / "net.h").write_text("")
    with pytest.raises(ExportError, match=r"the file cannot be compiled: .*no-such-compiler"):
        compiled_answers(tmp_path / "net.h", "net", "no-such-compiler", np.zeros((1, 4), np.int8), 4)
