"""Tests that ONNX files answer what the model answers, hold its integers, and are refused where they cannot."""

import logging
import os

import keras
import numpy as np
import onnx
import pytest
from keras import ops

from source.config.errors import ConfigError, ExportError, MissingDependencyError
from source.exporter import _onnx_convert, _onnx_graph
from source.exporter import onnx as onnx_exporter
from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.build import export
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.learned_quantize import LearnedLimit, LearnedStep


def exported(folder, model, examples=None, **settings):
    """Returns the report of an export and the graph of the file."""
    report = export(model, folder / "model.onnx", examples, **settings)
    return report, onnx.load(str(report.path))


def kinds(proto):
    return [node.op_type for node in proto.graph.node]


def of_kind(proto, kind):
    return [node for node in proto.graph.node if node.op_type == kind]


def number(node, name):
    [found] = [each.i for each in node.attribute if each.name == name]
    return found


def array_of(proto, name):
    [found] = [each for each in proto.graph.initializer if each.name == name]
    return onnx.numpy_helper.to_array(found)


def on_grid(layer, seed=0):
    """Gives a layer a kernel that is made of int8 codes and a scale for each channel; returns both."""
    random = np.random.default_rng(seed)
    codes = random.integers(-127, 128, layer.kernel.shape)
    codes[..., 0, :] = 127  # so that the scale is not a multiple of the one below
    scales = random.uniform(0.001, 0.01, layer.kernel.shape[-1]).astype("float32")
    layer.set_weights([codes.astype("float32") * scales, random.normal(size=scales.shape)])
    return codes, scales


@pytest.fixture(scope="module")
def trained():
    """Returns a model of many parts: two inputs, two outputs, what needs rewriting, and a free batch."""
    image, number = keras.Input((8, 8, 4), name="image"), keras.Input((3,), name="number")
    normalization = keras.layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 4.0, 9.0, 16.0])
    x = keras.layers.Conv2D(8, 3, groups=4, activation="relu", name="channels")(normalization(image))
    x = keras.layers.Conv2D(12, 3, groups=2, strides=2, padding="same", activation="gelu", name="halves")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(ops.gelu(x, approximate=False))
    y = keras.layers.Dense(5, name="five")(keras.layers.Concatenate()([x, number]))
    model = keras.Model([image, number], [y, keras.layers.Softmax(name="shares")(y)], name="parts")
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 1.0, each.shape) for each in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def parts(trained, tmp_path_factory):
    """Returns the exporter's report, the graph and the file of that model."""
    report, proto = exported(tmp_path_factory.mktemp("parts"), trained)
    return report, proto, open_artefact(report.path)


def test_a_float_file_answers_what_the_model_answers(parts):
    report, _, _ = parts
    # Sums of float32 in another order; 1e-4 is what the documentation promises.
    assert report.relative < 1e-5 and report.tolerance == 1e-4
    assert len(report.outputs) == 2


def test_inputs_and_outputs_have_the_names_and_the_order_of_the_models(parts):
    _, proto, artefact = parts
    assert artefact.input_names == ["image", "number"] and artefact.output_names == ["five", "shares"]
    assert artefact.input_specs == [((None, 8, 8, 4), "float32"), ((None, 3), "float32")]
    assert proto.graph.name == "parts"
    assert proto.graph.output[1].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_the_batch_is_free(parts, trained):
    random = np.random.default_rng(1)
    inputs = [random.normal(size=(7, 8, 8, 4)).astype("float32"), random.normal(size=(7, 3)).astype("float32")]
    expected = trained.predict(inputs, verbose=0)
    for mine, theirs in zip(expected, parts[2].run(inputs), strict=True):
        np.testing.assert_allclose(theirs, mine, atol=1e-5)  # sums of float32 in another order


def test_operators_are_those_of_onnx_in_the_version_asked_for(parts):
    _, proto, _ = parts
    assert {node.domain for node in proto.graph.node} == {""}
    assert [each.version for each in proto.opset_import if not each.domain] == [17]
    assert kinds(proto).count("Erf") == 2 and "Erfc" not in kinds(proto)
    groups = {array_of(proto, node.input[1]).shape: number(node, "group") for node in of_kind(proto, "Conv")}
    assert groups == {(8, 1, 3, 3): 4, (12, 4, 3, 3): 2}  # no numbers but those of the layers
    assert len(proto.graph.input) == 2  # the constants of the normalization are in the file


def test_names_inside_are_short_and_nodes_have_those_of_layers(parts):
    _, proto, _ = parts
    names = {node.name for node in proto.graph.node}
    assert any(each.startswith("channels") for each in names) and not any(each.startswith("parts") for each in names)
    assert max(len(name) for node in proto.graph.node for name in node.output) < 8


def test_notes_say_what_the_file_holds(parts):
    assert parts[0].notes == (
        "No weight lies on a grid of int8: all weights are float32.",
        "Inputs: `image` (batch, 8, 8, 4), `number` (batch, 3). Outputs: `five` (batch, 5), `shares` (batch, 5).",
    )


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (keras.layers.Conv1D(6, 3, groups=2, padding="causal", dilation_rate=2), (9, 4)),
        (keras.layers.Conv1D(8, 3, groups=4, use_bias=False), (9, 4)),
        (keras.layers.Conv2D(4, 3, groups=4, strides=(1, 2), padding="same"), (6, 6, 4)),
    ],
)
def test_grouped_convolutions_of_every_form_are_rewritten(layer, shape):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs))
    copied = onnx_exporter.convertible(model)
    assert not any(getattr(each, "groups", 1) > 1 for each in copied.layers)
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    # Sums of float32 in another order.
    np.testing.assert_allclose(copied([x]), model(x), atol=1e-5)


def test_an_inverted_normalization_is_rewritten():
    inputs = keras.Input((2,))
    layer = keras.layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 0.0], invert=True)
    model = keras.Model(inputs, layer(inputs))
    x = np.array([[1.0, 2.0], [-3.0, 1e6]], "float32")
    np.testing.assert_array_equal(onnx_exporter.convertible(model)([x]), model(x))


@pytest.fixture(scope="module")
def quantized():
    """Returns a finished quantize-aware model of 8 bits, with the codes and scales of its kernels."""
    inputs = keras.Input((8, 8, 3), name="image")
    rounded = keras.quantizers.fake_quant_with_min_max_vars
    conv, dense = keras.layers.Conv2D(8, 3, padding="same", name="conv"), keras.layers.Dense(6, name="logits")
    x = keras.layers.ReLU()(conv(rounded(inputs, -1.0, 1.0)))
    x = rounded(keras.layers.GlobalAveragePooling2D()(rounded(x, 0.0, 6.0)), 0.0, 2.0)
    model = keras.Model(inputs, rounded(dense(x), -4.0, 4.0))
    return model, on_grid(conv), on_grid(dense)


@pytest.fixture(scope="module")
def integers(quantized, tmp_path_factory):
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (64, 8, 8, 3)).astype("float32")
    return exported(tmp_path_factory.mktemp("integers"), quantized[0], x)


def test_weights_are_stored_as_their_codes_with_a_scale_for_each_channel(quantized, integers):
    _, (conv_codes, conv_scales), (dense_codes, dense_scales) = quantized
    _, proto = integers
    weights = [node for node in proto.graph.node if node.op_type == "DequantizeLinear" and node.attribute]
    found = {
        (array_of(proto, node.input[0]).dtype.name, node.attribute[0].i): [array_of(proto, each) for each in node.input]
        for node in weights
    }
    codes, scales, zeros = found["int8", 0]  # of the convolution: (filters, channels, height, width)
    np.testing.assert_array_equal(codes, conv_codes.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(scales, conv_scales)
    assert zeros.dtype == np.int8 and not zeros.any()
    codes, scales, _ = found["int8", 1]
    np.testing.assert_array_equal(codes, dense_codes)
    np.testing.assert_array_equal(scales, dense_scales)
    assert not [
        each for each in proto.graph.initializer if each.data_type == onnx.TensorProto.FLOAT and len(each.dims) > 1
    ]


def test_biases_are_multiples_of_the_product_of_both_scales(quantized, integers):
    model, (_, scales), _ = quantized
    _, proto = integers
    [conv] = of_kind(proto, "Conv")
    [bias] = [node for node in of_kind(proto, "DequantizeLinear") if node.output[0] == conv.input[2]]
    codes, steps = array_of(proto, bias.input[0]), array_of(proto, bias.input[1])
    assert codes.dtype == np.int32
    np.testing.assert_array_equal(steps, np.float32(2.0 / 255.0) * scales)
    exact = np.asarray(model.get_layer("conv").bias)
    # Half a step, and the rounding of the product to float32.
    assert (np.abs(codes * steps.astype(np.float64) - exact) <= steps * 0.500001).all()


def test_activations_are_rounded_to_uint8_by_pairs(integers):
    _, proto = integers
    rounded = [node for node in proto.graph.node if node.op_type == "QuantizeLinear"]
    assert len(rounded) == 4 and not any(node.attribute for node in rounded)
    assert {array_of(proto, node.input[2]).dtype for node in rounded} == {np.dtype(np.uint8)}


def test_a_dense_layer_is_one_operator_with_its_bias(integers):
    assert kinds(integers[1]).count("Gemm") == 1 and "MatMul" not in kinds(integers[1])


def test_integers_answer_within_a_step_and_say_so(integers):
    report, _ = integers
    assert report.tolerance == 5e-2
    # One step of 255, where a number lies between two.
    assert report.relative <= 1.01 / 255 / (report.outputs[0].reference_range / 8.0)
    assert report.notes[0] == (
        "2 weights (264 numbers) are int8 with a scale for each channel, 2 biases int32; 4 activations are rounded to "
        "uint8."
    )


def test_onnxruntime_computes_with_integers(integers, tmp_path):
    import onnxruntime

    report, _ = integers
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(tmp_path / "optimized.onnx"), 3
    onnxruntime.InferenceSession(str(report.path), options)
    ran = kinds(onnx.load(options.optimized_model_filepath))
    assert {"QLinearConv", "QGemm"} <= set(ran) and not {"Conv", "Gemm", "MatMul"} & set(ran)


def test_weights_on_a_grid_behind_float_inputs_stay_exact(tmp_path):
    inputs = keras.Input((16,))
    dense = keras.layers.Dense(8, name="dense")
    model = keras.Model(inputs, dense(inputs))
    codes, _ = on_grid(dense)
    dense.set_weights([dense.get_weights()[0] * (np.arange(8) != 3), dense.get_weights()[1]])  # a channel of zeros
    report, proto = exported(tmp_path, model)
    [stored] = [each for each in proto.graph.initializer if each.data_type == onnx.TensorProto.INT8]
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(stored), codes * (np.arange(8) != 3))
    assert "DequantizeLinear" not in kinds(proto) and report.relative < 1e-6  # sums in another order
    assert report.notes[0].startswith("1 weights (128 numbers) are int8")


def test_float_weights_between_rounded_activations_are_told(tmp_path):
    inputs = keras.Input((16,))
    rounded = keras.quantizers.fake_quant_with_min_max_vars
    model = keras.Model(inputs, rounded(keras.layers.Dense(8, name="free")(rounded(inputs, -3.0, 3.0)), -4.0, 4.0))
    report, _ = exported(tmp_path, model, tolerance=0.2)
    assert report.notes[1].startswith("onnxruntime may round float32 weights between rounded activations") and (
        "free" in report.notes[1]
    )


def learned(layer, value, shape=(4,)):
    layer.build((None, *shape))
    layer.value.assign(value)
    return layer


def calibrated(low, high, **settings):
    layer = CalibratedQuantize(**settings)
    layer.build((None, 4))
    layer.set_limits(low, high)
    return layer


ROUNDINGS = {
    "4 bits between limits": calibrated(-1.0, 2.0, width=4),
    "8 bits, symmetric": calibrated(-1.0, 1.0, width=8, symmetric=True),
    "4 bits, a learned limit": learned(LearnedLimit(4), 1.5),
    "8 bits, a learned limit": learned(LearnedLimit(8), 1.5),
    "3 bits, signed, a learned limit": learned(LearnedLimit(3, signed=True), 1.5),
    "4 bits, a learned step": learned(LearnedStep(4), 0.25),
}


@pytest.mark.parametrize("layer", ROUNDINGS.values(), ids=ROUNDINGS)
def test_rounding_to_fewer_bits_becomes_limits_and_eight_bits(layer):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layer(inputs))
    copied = onnx_exporter.convertible(model)
    assert not any(isinstance(each, type(layer)) for each in copied.layers)
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (1000, 4)).astype("float32")
    # The step and the limits are computed once more: some last bits.
    np.testing.assert_allclose(copied([x]), model(x), atol=1e-6)


def test_layers_between_few_bits_keep_their_codes_and_their_exact_biases(tmp_path):
    inputs = keras.Input((6, 6, 3))
    conv = keras.layers.Conv2D(4, 3, name="conv")
    x = keras.layers.BatchNormalization(name="norm")(conv(learned(LearnedStep(4), 0.25, (6, 6, 3))(inputs)))
    model = keras.Model(inputs, learned(LearnedLimit(4), 1.5, (4, 4, 4))(x))
    codes, _ = on_grid(conv)
    model.get_layer("norm").set_weights(np.random.default_rng(0).uniform(0.5, 1.0, (4, 4)))
    report, proto = exported(tmp_path, model)
    [stored] = [each for each in proto.graph.initializer if each.data_type == onnx.TensorProto.INT8]
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(stored), codes.transpose(3, 2, 0, 1))
    # Limits stand between the layer and the rounding, so no runtime computes it with integers.
    assert kinds(proto).count("DequantizeLinear") == 2 and kinds(proto).count("Min") == 2
    assert "0 biases int32; 2 activations" in report.notes[0]
    # No number is so near to the middle of two steps that sums in another order would move it.
    assert report.relative < 1e-6


@keras.saving.register_keras_serializable("tests")
class Unknown(keras.layers.Layer):
    def call(self, x):
        import tensorflow as tf

        return tf.math.lgamma(x)


@keras.saving.register_keras_serializable("tests")
class Constant(keras.layers.Layer):
    def build(self, shape):
        self.table = ops.convert_to_tensor(np.ones(3, "float32"))

    def call(self, x):
        return x + self.table


def test_an_operator_that_onnx_has_not_is_refused_by_name_and_nothing_is_left(tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, Unknown(name="strange")(inputs))
    with pytest.raises(ConfigError, match=r"^onnx: `[^`]*strange[^`]*` \(Lgamma\) cannot be converted: version 17 of"):
        export(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_constant_that_would_become_an_input_is_refused_by_name(tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, Constant(name="tabular")(inputs))
    with pytest.raises(ConfigError, match=r"^onnx: `[^`]*tabular[^`]*` \(Add\) would need constants as inputs"):
        export(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_groups_with_channels_first_are_refused():
    inputs = keras.Input((4, 8, 8))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3, groups=2, data_format="channels_first", name="first")(inputs))
    with pytest.raises(ConfigError, match=r"^onnx: layer `first` \(Conv2D\) has 2 groups and channels first"):
        onnx_exporter.convertible(model)


def test_a_file_that_answers_otherwise_is_rejected(tmp_path, monkeypatch):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    monkeypatch.setattr(onnx_exporter.OnnxExporter, "expected", lambda *_: [np.zeros((64, 2))])
    with pytest.raises(ExportError, match=r"^onnx: the file answers otherwise than the model"):
        export(model, tmp_path / "model.onnx")
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "model.onnx.rejected",
        "model.onnx.rejected.report.json",
    ]


def test_an_output_that_is_an_input_has_another_name(tmp_path):
    inputs = keras.Input((4,), name="x")
    report, proto = exported(tmp_path, keras.Model(inputs, [inputs, keras.layers.ReLU(name="y")(inputs)]))
    assert [each.name for each in proto.graph.output] == ["x_output", "y"] and report.relative == 0.0


def test_a_sequential_model_is_exported_and_the_conversion_is_silent(tmp_path, capfd, caplog):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="last")])
    with caplog.at_level(logging.INFO):
        report, proto = exported(tmp_path, model, opset=13)
    assert report.accepted and [each.name for each in proto.graph.output] == ["last"]
    assert [each.version for each in proto.opset_import if not each.domain] == [13]
    assert capfd.readouterr() == ("", "")
    assert not [each for each in caplog.records if each.name.startswith("tf2onnx")]
    assert "object" not in vars(np)


def test_what_is_written_to_the_screen_afterwards_is_seen(capfd):
    with _onnx_convert._quiet():
        os.write(2, b"hidden")
    os.write(2, b"seen")
    assert capfd.readouterr().err == "seen"


def test_augmentation_is_left_out_and_loops_see_renamed_inputs(tmp_path):
    inputs = keras.Input((5, 4), name="steps")
    x = keras.layers.GaussianNoise(0.5)(keras.layers.RandomBrightness(0.5, value_range=(0, 1))(inputs[..., None]))[
        ..., 0
    ]
    report, proto = exported(tmp_path, keras.Model(inputs, keras.layers.GRU(3, name="last")(x)))
    assert report.relative < 1e-6 and [each.name for each in proto.graph.input] == ["steps"]


def test_layers_that_compute_in_16_bits_may_differ_more(tmp_path):
    inputs = keras.Input((8,))
    dense = keras.layers.Dense(4, dtype="mixed_float16")(inputs)
    report, _ = exported(tmp_path, keras.Model(inputs, keras.layers.Dense(2, dtype="float32")(dense)))
    assert report.tolerance == 1e-2


def test_a_message_names_three_operators_and_counts_the_others(tmp_path):
    inputs = keras.Input((2, 8, 8, 10))
    model = keras.Model(inputs, keras.layers.TimeDistributed(keras.layers.Conv2D(10, 3, groups=2), name="each")(inputs))
    with pytest.raises(ConfigError, match=r"^onnx: (`[^`]*each[^`]*` \(StatefulPartitionedCall\)(, )?)+"):
        export(model, tmp_path / "model.onnx")
    assert _onnx_graph._first([*"abcde"]) == "a, b, c and 2 more"


def test_versions_that_the_converter_does_not_know_are_refused():
    with pytest.raises(ConfigError, match=r"`?opset`?.*in \[13, 18\].*19"):
        onnx_exporter.Config(opset=19)


def test_a_missing_package_is_named_with_what_installs_it():
    with pytest.raises(
        MissingDependencyError, match=r"^onnx: needs the package `onyx`, .*pip install 'espalier\[export\]'$"
    ):
        _onnx_convert.package("onyx")


# One member of each family of keras.applications, with an input that is large enough for it.
FAMILIES = {
    "convnext": ("ConvNeXtTiny", 32),
    "densenet": ("DenseNet121", 32),
    "efficientnet": ("EfficientNetB0", 32),
    "efficientnet_v2": ("EfficientNetV2B0", 32),
    "inception_resnet_v2": ("InceptionResNetV2", 75),
    "inception_v3": ("InceptionV3", 75),
    "mobilenet": ("MobileNet", 32),
    "mobilenet_v2": ("MobileNetV2", 32),
    "mobilenet_v3": ("MobileNetV3Small", 32),
    "nasnet": ("NASNetMobile", 32),
    "resnet": ("ResNet50", 32),
    "resnet_v2": ("ResNet50V2", 32),
    "vgg16": ("VGG16", 32),
    "vgg19": ("VGG19", 32),
    "xception": ("Xception", 71),
}


def test_every_family_of_applications_is_tried():
    modules = {name for name in dir(keras.applications) if type(getattr(keras.applications, name)).__name__ == "module"}
    # The same networks under a second name, and no networks.
    assert modules - {"resnet50", "mobilenet_v3", "imagenet_utils"} == FAMILIES.keys() - {"mobilenet_v3"}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_member_of_every_family_answers_what_keras_answers(family, tmp_path):
    name, side = FAMILIES[family]
    model = getattr(keras.applications, name)(
        weights=None, include_top=False, pooling="avg", input_shape=(side, side, 3)
    )
    x = np.random.default_rng(0).uniform(0.0, 255.0, (4, side, side, 3)).astype("float32")
    report, _ = exported(tmp_path, model, x)
    print(f"{name}: {report.relative:.1e}, {report.bytes:,} bytes")
    assert report.relative <= 1e-4
