"""Tests of LiteRT files: integers of training kept code for code, what stays in float said, refusals by name."""

import re
import subprocess

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError, ExportError
from source.exporter import _litert_conversion, litert
from source.exporter._litert_grid import grid_of, limits_of
from source.exporter._litert_integers import integer_model, is_quantized, with_known_lengths, without_rounding
from source.exporter._litert_operations import operations_of, tensors_of, within_one_code
from source.exporter._litert_rounding import rounding_of
from source.exporter.artefact.open_artefact import open_artefact
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.learned_quantize import LearnedLimit, LearnedStep

pytest.importorskip("ai_edge_litert")

SHAPE = (8, 8, 3)
# One member of every family of `keras.applications`, at the smallest picture that it takes, or near.
FAMILIES = {
    "ConvNeXtTiny": 32,
    "DenseNet121": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "InceptionResNetV2": 75,
    "InceptionV3": 75,
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Small": 32,
    "NASNetMobile": 32,
    "ResNet50": 32,
    "ResNet50V2": 32,
    "VGG16": 32,
    "Xception": 71,
}


def pictures(count=32):
    return np.random.default_rng(5).normal(size=(count, *SHAPE)).astype(np.float32)


def network():
    """Every kind of layer that integers go through: convolutions, branches, pools, reshapes, dense layers."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inputs = keras.Input(SHAPE)
    x = layers.BatchNormalization()(layers.Conv2D(6, 3, padding="same", use_bias=False, name="conv")(inputs))
    x = layers.ReLU()(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu", depth_multiplier=2, name="depthwise")(x)
    x = layers.Concatenate(name="concat")([layers.MaxPooling2D()(x), layers.AveragePooling2D(2, name="average")(x)])
    y = layers.Conv2D(24, 1, name="branch")(x)
    x = layers.Add()([x, y])
    x = layers.Reshape((16, 24))(x)
    x = layers.Dense(6, activation="relu", name="inner")(x)
    x = layers.Conv1D(5, 3, strides=2, padding="same", name="line")(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(4, name="logits")(x))


def finished(model, x, **settings):
    rounding = compressor("quantize_post_training", **settings)
    return rounding.finish(rounding.prepare(model, calibration=x))


@pytest.fixture(scope="module")
def quantized():
    return finished(network(), pictures())


@pytest.fixture(scope="module")
def integers(quantized, tmp_path_factory):
    """The file of a quantized network, with int8 outputs, and its report."""
    path = tmp_path_factory.mktemp("int8") / "model.tflite"
    config = litert.Config(output_type="int8")
    return path, litert.build(config).export_model(quantized, path, pictures())


def kernels(model):
    """Returns each kernel as (channels, numbers of a channel), with its scales, by layer name."""
    found = {}
    for layer in model.layers:
        if layer.weights and layer.name in ("conv", "depthwise", "branch", "inner", "line", "logits"):
            kernel = keras.ops.convert_to_numpy(layer.weights[0])
            rows = np.moveaxis(kernel, -2, 0) if layer.name == "depthwise" else np.moveaxis(kernel, -1, 0)
            scales = np.abs(rows).max(axis=tuple(range(1, rows.ndim))) / np.float32(127)
            if layer.name == "depthwise":  # two kernels of an input channel share its scale
                rows, scales = np.moveaxis(kernel.reshape(3, 3, -1), -1, 0), np.repeat(scales, 2)
            found[layer.name] = rows.reshape(len(scales), -1), scales
    return found


def test_the_codes_and_scales_of_training_stand_in_the_file(quantized, integers):
    path, _ = integers
    stored = {}
    for tensor in tensors_of(path):
        if tensor.values is not None and tensor.values.dtype == np.int8 and len(tensor.scales) > 1:
            codes = np.moveaxis(tensor.values, tensor.axis, 0).reshape(len(tensor.scales), -1)
            stored[codes.shape, codes.tobytes()] = tensor.scales
    for name, (kernel, scales) in kernels(quantized).items():
        codes = np.rint(kernel / scales[:, np.newaxis]).astype(np.int8)
        assert (codes.shape, codes.tobytes()) in stored, name
        # The quotient of the largest number and 127, rounded to float32 here and in the converter.
        np.testing.assert_allclose(stored[codes.shape, codes.tobytes()], scales, rtol=1.2e-7, err_msg=name)


def test_everything_computes_in_integers(integers):
    path, report = integers
    operations = operations_of(path)
    assert {each.dtype for each in operations} == {"INT8"}
    assert report.notes[0] == f"precision int8: {len(operations)} operations, 0 of them in float."
    kinds = [each.kind for each in operations]
    assert kinds.count("DEPTHWISE_CONV_2D") == 1 and "AVERAGE_POOL_2D" in kinds and "CONCATENATION" in kinds
    assert "SHAPE" not in kinds  # of a `Flatten` that computes its lengths


def test_a_shortcut_that_is_padded_with_channels_computes_in_integers(tmp_path):
    inputs = keras.Input((8, 8, 2))
    x = keras.layers.ReLU()(keras.layers.Conv2D(4, 3, padding="same", name="made")(inputs))
    short = keras.layers.AveragePooling2D(1, strides=2)(x)
    short = keras.layers.ZeroPadding2D(((0, 0), (2, 2)), data_format="channels_first")(short)
    y = keras.layers.Conv2D(8, 3, strides=2, padding="same", name="branch")(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(keras.layers.Add()([y, short])))
    images = np.random.default_rng(0).normal(size=(32, 8, 8, 2)).astype("float32")
    model = finished(keras.Model(inputs, keras.layers.Dense(3)(x)), images)
    report = litert.build(litert.Config(batch_size=1)).export_model(model, tmp_path / "model.tflite", [images])
    assert report.notes[0].endswith("0 of them in float.")


def test_outputs_are_those_of_the_model_up_to_single_codes(integers):
    path, report = integers
    assert report.accepted and report.tolerance == 0.1
    [share] = re.findall(r"Within one code of the model's outputs: (.*)% of the numbers\.", report.notes[-1])
    # Numbers between two steps fall to either side, and seven layers carry that on: 88 % when this was written.
    assert float(share) >= 75.0
    assert open_artefact(path).code_steps[0] > 0


def test_float_is_float_and_an_own_model_is_not_changed(tmp_path):
    model = network()
    report = litert.build(litert.Config()).export_model(model, tmp_path / "model.tflite", pictures())
    assert report.tolerance == 1e-4 and report.relative < 1e-5
    assert report.notes[0].startswith("precision float32: ")
    assert "FLATTEN" not in str(operations_of(tmp_path / "model.tflite"))
    assert any(isinstance(layer, keras.layers.Flatten) for layer in model.layers)


def test_what_stays_in_float_is_named(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(8, name="hidden", activation="softplus")(inputs)
    model = finished(keras.Model(inputs, keras.layers.Dense(2, name="last")(hidden)), np.eye(6, dtype=np.float32))
    report = litert.build(litert.Config()).export_model(model, tmp_path / "model.tflite", np.eye(6, dtype=np.float32))
    [line] = [note for note in report.notes if note.startswith("In float: ")]
    assert "FULLY_CONNECTED (`hidden/" in line or "FULLY_CONNECTED, " in line


def test_a_recipe_of_the_quantizer_is_calibrated_on_the_examples(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
        ]
    )
    exporter = litert.build(litert.Config(precision="int8_static"))
    report = exporter.export_model(model, tmp_path / "model.tflite", pictures())
    assert (
        report.notes[0] == f"precision int8_static: {len(operations_of(report.path))} operations, 0 of them in float."
    )
    assert report.relative < 0.05
    assert open_artefact(report.path).input_specs == [((None, *SHAPE), "float32")]


def test_an_operation_that_litert_lacks_is_refused_by_name_and_nothing_is_left(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.ops.erfinv(inputs))
    with pytest.raises(ConfigError, match=r"^litert: .* needs operations that LiteRT does not have: Erfinv\. .*"):
        litert.build(litert.Config()).export_model(model, tmp_path / "model.tflite")
    assert list(tmp_path.iterdir()) == []


def explained(model, error, **settings):
    request = litert.build(litert.Config(**settings))._request("float32")
    return _litert_conversion._explained(model, error, request)


def test_errors_of_the_converter_become_one_sentence_with_the_layer():
    model = network()
    place = 'loc(callsite(fused["Average:", "functional_1/average_1/AvgPool@__inference_serving_8"] at "x")): '
    assert explained(model, f"{place}error: 'tfl.average_pool_2d' op violates the constraint.") == (
        "litert: layer `average` (AveragePooling2D) cannot be converted: 'tfl.average_pool_2d' op violates the "
        "constraint. Replace the layer by one that LiteRT can compute."
    )
    model = keras.Model(inputs := keras.Input((2,), name="given"), keras.layers.ReLU()(inputs), name="small")
    assert explained(model, f"{place}'tf.TensorListReserve' op requires element_shape to be static") == (
        "litert: model `small` cannot be converted: 'tf.TensorListReserve' op requires element_shape to be static. "
        "Fix the batch with `batch_size=1`."
    )
    assert explained(model, "") == (
        "litert: model `small` cannot be converted: the converter gives no reason. Replace the layer by one that "
        "LiteRT can compute."
    )


def test_a_converter_that_crashes_or_hangs_is_reported(tmp_path, monkeypatch):
    def run(command, timeout, **_):
        if timeout == 1.0:
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, -11, "", "first\nSegmentation fault\n")

    monkeypatch.setattr(_litert_conversion.subprocess, "run", run)
    with pytest.raises(ExportError, match=r"^litert: the converter was ended after 1 seconds\. .* `time_limit_s`\."):
        _litert_conversion._answer({}, tmp_path, 1.0)
    with pytest.raises(ExportError, match=r"^litert: the converter ended with code -11: Segmentation fault$"):
        _litert_conversion._answer({}, tmp_path, 2.0)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match=r"`batch_size` must be positive\. Received: batch_size=0"):
        litert.Config(batch_size=0)
    with pytest.raises(ConfigError, match=r"`time_limit_s` must be positive\. Received: time_limit_s=0"):
        litert.Config(time_limit_s=0)
    with pytest.raises(ConfigError, match=r"`input_type` must be `float32` where `precision` is `float16`\."):
        litert.Config(precision="float16", input_type="int8")
    with pytest.raises(ConfigError, match=r"precision: expected .*'int8_static'.* Received: 'int8_statc'"):
        litert.Config(precision="int8_statc")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "int8"}, r"`precision` int8 is for a model whose weights and activations are rounded"),
        ({"input_type": "int8"}, r"inputs and outputs are int8 only in a file of integers, and this model is not"),
    ],
)
def test_integers_are_not_made_of_a_model_that_is_not_rounded(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        litert.build(litert.Config(**settings)).export_model(network(), tmp_path / "model.tflite", pictures())
    assert list(tmp_path.iterdir()) == []


def test_a_quantized_model_is_told_from_others(quantized):
    assert is_quantized(quantized)
    assert not is_quantized(network())
    assert not is_quantized(without_rounding(quantized))


def test_the_model_that_is_converted_computes_the_same(quantized):
    x = pictures(4)
    expected = keras.ops.convert_to_numpy(quantized(x))
    found = keras.ops.convert_to_numpy(integer_model(quantized).model(x))
    # Some averages are rounded twice; one step of the output is its range / 255.
    assert np.abs(found - expected).max() <= np.ptp(expected) * 0.05
    assert integer_model(quantized).rounded_again == ()


def test_weights_on_no_grid_are_named(quantized):
    rules = [{"match": {"name": "inner"}, "do": {"weights": None}}]
    model = finished(network(), pictures(), rules=rules)
    assert integer_model(model).rounded_again == ("inner",)
    [note] = litert._rounded_again(("inner",))
    assert note.startswith("The weights of `inner` lie on no grid of int8")


def test_flatten_says_its_length():
    model = with_known_lengths(network())
    assert not any(isinstance(layer, keras.layers.Flatten) for layer in model.layers)
    without = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert with_known_lengths(without) is without


def test_a_grid_is_found_channel_by_channel():
    codes = np.array([[3, -127, 0], [-7, 100, 0]])
    scales = np.array([0.1, 0.02, 0.0], np.float32)
    grid = grid_of(codes.astype(np.float32) * scales)
    np.testing.assert_array_equal(grid.codes, codes)
    np.testing.assert_array_equal(grid.scales[:2], scales[:2])
    assert grid.scales[2] == np.median(scales[:2])  # of a channel of zeros
    assert not grid.is_full
    assert grid_of(codes[:, 1:2].astype(np.float32) * np.float32(0.02)).is_full
    assert grid_of(np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)) is None
    np.testing.assert_array_equal(grid_of(np.zeros((3, 1), np.float32)).scales, np.float32([1 / 127]))


def test_limits_give_back_their_scales():
    scales = np.random.default_rng(1).uniform(1e-6, 10.0, 10000).astype(np.float32)
    limits = limits_of(scales)
    found = ((limits.astype(np.float64) * 2) / 254).astype(np.float32)
    # Where float32 is coarser at the limit than at the scale, some scales have no limit: those are one unit off.
    np.testing.assert_allclose(found, scales, rtol=1.2e-7)
    assert np.mean(found == scales) > 0.99


def test_learned_and_narrow_roundings_become_steps_of_8_bits():
    step, limit, narrow = LearnedStep(4, signed=False), LearnedLimit(8, signed=True), CalibratedQuantize(4)
    for each in (step, limit, narrow):
        each.build((None, 3))
    assert rounding_of(narrow) is None  # nothing was seen yet
    step.value.assign(0.5)
    limit.value.assign(127.0)
    narrow.set_limits(-1.0, 2.0)
    found = rounding_of(step)
    assert (found.low, found.high, found.most, found.narrow) == (0.0, 127.5, 7.5, False)
    found = rounding_of(limit)
    assert (found.low, found.high, found.most, found.narrow) == (-127.0, 127.0, None, True)
    found = rounding_of(narrow)
    # 15 steps of 0.2 with a step at zero; 255 steps of that size.
    assert (found.low, found.high, found.most) == pytest.approx((-1.0, 50.0, 2.0))
    assert rounding_of(LearnedStep(16)) is None and rounding_of(keras.layers.ReLU()) is None


def test_a_rounding_of_4_bits_rounds_as_the_layer_does():
    layer = CalibratedQuantize(4)
    layer.build((None, 3))
    layer.set_limits(-1.0, 2.0)
    x = np.linspace(-3, 3, 301, dtype=np.float32)[np.newaxis]
    inputs = keras.Input((301,))
    emitted = keras.Model(inputs, rounding_of(layer).emit(inputs))
    # The same steps, computed from other limits in float32.
    np.testing.assert_allclose(emitted(x), layer(x), atol=1e-6)


def test_codes_apart_are_counted():
    assert within_one_code(np.array([0.0, 0.5, 1.0, 2.0]), np.array([0.0, 1.0, 0.5, 3.0]), 0.5) == 0.75


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_a_member_of_every_family_of_applications_comes_back(name, tmp_path):
    keras.utils.set_random_seed(1)
    side = FAMILIES[name]
    network = getattr(keras.applications, name)
    model = network(weights=None, input_shape=(side, side, 3), classes=10, classifier_activation=None)
    x = np.random.default_rng(2).uniform(-1, 1, (4, side, side, 3)).astype(np.float32)
    path = tmp_path / "model.tflite"
    report = litert.build(litert.Config(precision="float32")).export_model(model, path, x)
    print(name, f"{report.relative:.1e}", report.bytes)
    assert report.relative <= 1e-4
    assert report.bytes == path.stat().st_size
