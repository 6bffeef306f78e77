"""Tests of costs as functions of channels: published counts, formulas by hand, exactness after surgery, gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from source.config.errors import ConfigError, UnknownNameError
from source.graph.channel_cost import channel_cost
from source.graph.channel_groups import ChannelGroups
from source.graph.cost import cost
from source.graph.hardware.description import Hardware
from source.surgery.channels import remove_channels
from tests.graph.channels.handlers.cases import CASES


def classifier(application, size, units=1024):
    """Returns a network of Keras with a hidden and a last dense layer, as the published counts are of."""
    inputs = keras.Input((size, size, 3))
    x = getattr(keras.applications, application)(weights=None, include_top=False, input_tensor=inputs).output
    x = layers.Dense(units, activation="relu", name="hidden")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(10, name="logits")(x))


def four_convolutions():
    """Returns the network of MorphNet's own tests: two convolutions side by side, and two on both of them."""
    inputs = keras.Input((17, 19, 3))

    def convolution(x, number, filters, size, **settings):
        x = layers.Conv2D(filters, size, padding="same", use_bias=False, name=f"conv{number}", **settings)(x)
        return layers.ReLU()(layers.BatchNormalization(name=f"norm{number}")(x))

    both = layers.Concatenate()([convolution(inputs, 1, 13, (7, 5)), convolution(inputs, 2, 23, 1)])
    ends = [convolution(both, 3, 29, 3, strides=2), convolution(both, 4, 31, 1)]
    # The last channels may go too: only their means reach an output.
    means = layers.Concatenate()([layers.GlobalAveragePooling2D()(each) for each in ends])
    return keras.Model(inputs, layers.Dense(1, name="end")(means))


GAMMAS = {
    "norm1": [0.8] * 7 + [0.2] * 6,
    "norm2": [-0.7] * 11 + [0.1] * 12,
    "norm3": [0.6] * 10 + [-0.3] * 19,
    "norm4": [-0.5] * 17 + [-0.4] * 14,
}


def values_of(counted, gammas):
    """Returns |gamma| of every channel of the four convolutions."""
    found = np.zeros(counted.groups.count, np.float32)
    for name, numbers in gammas.items():
        [site] = [each for each in counted.groups.sites if each.path == name and each.weight == "gamma"]
        found[counted.groups.channels_of(site.labels)] = np.abs(numbers)
    return found[counted.channels]


@pytest.mark.parametrize(
    ("application", "size", "flops", "size_of_kernels", "v100", "p100"),
    [
        ("ResNet50", 32, 161_599_488, 25_562_304, 120_592.8, 149_550.9),
        ("ResNet50", 224, 7_716_065_280, 25_562_304, 455_410.9, 1_146_223.6),
        ("VGG16", 32, 627_462_144, 15_244_992, 72_286.2, 118_163.3),
        ("VGG16", 224, 30_694_330_368, 15_244_992, 393_863.5, 3_451_357.2),
        ("MobileNet", 32, 25_289_728, 4_243_904, None, None),
        ("MobileNet", 224, 1_137_550_336, 4_243_904, 154_061.4, None),
        ("DenseNet121", 32, 117_755_904, 7_929_024, 44_781.5, 57_397.1),
        ("MobileNetV2", 224, 601_630_464, 3_510_720, 192_189.4, None),
    ],
)
def test_networks_cost_what_morphnet_says(application, size, flops, size_of_kernels, v100, p100):
    model = classifier(application, size)
    counted = channel_cost(model, hardware="V100")
    assert (counted.total("flops"), counted.total("model_size"), counted.unknown) == (flops, size_of_kernels, ())
    assert counted.total("macs") * 2 == flops
    # Published with one decimal of a nanosecond, as float32 rounds sums of 1e6.
    if v100 is not None:
        assert counted.total("latency") * 1e9 == pytest.approx(v100, rel=1e-6)
    if p100 is not None:
        other = channel_cost(model, counted.groups, hardware="P100")
        assert other.total("latency") * 1e9 == pytest.approx(p100, rel=1e-6)


@pytest.mark.parametrize(("application", "expected"), [("ResNet50", 1.944), ("MobileNet", 1.898)])
def test_regularization_of_fresh_scales_is_what_morphnet_says(application, expected):
    counted = channel_cost(classifier(application, 32))
    [hidden] = counted.groups.group_of("hidden")
    r = 1.0 - np.isin(counted.channels, hidden.channels)  # the hidden dense layer has no normalization
    found = counted.function("flops").regularization(np.ones(len(r), np.float32), r.astype(np.float32))
    assert float(found) == pytest.approx(expected, abs=5e-4)  # published with three decimals


def test_the_toy_network_of_morphnet_has_its_values():
    counted = channel_cost(four_convolutions(), hardware="P100")
    r = values_of(counted, GAMMAS)
    alive = r > 0.45
    sums = {name: float(np.abs(numbers).sum()) for name, numbers in GAMMAS.items()}
    assert list(sums.values()) == pytest.approx([6.8, 8.9, 11.7, 14.1])
    layer = counted.per_layer("flops", alive)
    assert [layer[f"conv{number}"] for number in (1, 2, 3, 4)] == [
        2 * 17 * 19 * 35 * 3 * 7,
        2 * 17 * 19 * 3 * 11,
        2 * 9 * 10 * 9 * 18 * 10,
        2 * 17 * 19 * 18 * 17,
    ]
    term = float(counted.function("flops").regularization(alive.astype(np.float32), r)) * counted.total("flops")
    end = 2 * (sums["norm3"] + sums["norm4"])  # of the dense layer behind, which the published number is without
    assert term - end == pytest.approx(1_410_376.375, rel=1e-6)  # float32 sums


def test_a_convolution_waits_for_what_the_roofline_says():
    counted = channel_cost(four_convolutions(), hardware="P100")
    seconds = counted.per_layer("latency", values_of(counted, GAMMAS) > 0.45)
    compute = {1: 2 * 17 * 19 * 35 * 3 * 7}
    numbers = {2: 323 * (3 + 11) + 33, 3: 323 * 18 + 90 * 10 + 9 * 180, 4: 323 * (18 + 17) + 18 * 17}
    found = [seconds[f"conv{number}"] for number in (1, 2, 3, 4)]
    assert found == pytest.approx([compute[1] / 9300e9, *(4 * each / 732e9 for each in numbers.values())], rel=1e-12)
    # MorphNet's own tests, float32.
    expected = [51.0548400879, 24.8907108307, 45.5409851074, 63.4480857849]
    assert [each * 1e9 for each in found] == pytest.approx(expected, rel=1e-6)


def several_kinds():
    """Returns grouped, depthwise, separable and transposed convolutions, a concatenation, Flatten and dense layers."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", name="first")(inputs)
    y = layers.BatchNormalization()(layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depthwise")(x))
    y = layers.SeparableConv2D(12, 3, strides=2, padding="same", activation="relu", name="separable")(y)
    z = layers.Conv2D(12, 3, strides=2, groups=4, padding="same", name="grouped")(x)
    x = layers.Concatenate()([layers.Add()([y, z]), y])
    x = layers.Conv2DTranspose(6, 2, strides=2, name="transposed")(x)
    x = layers.Dense(5, activation="relu", name="hidden")(layers.Flatten()(layers.AveragePooling2D(4)(x)))
    return keras.Model(inputs, layers.Dense(2, name="logits")(x))


def recurrent():
    """Returns a recurrent layer and attention."""
    inputs = keras.Input((5, 4))
    x = layers.LSTM(6, return_sequences=True, name="lstm")(inputs)
    x = layers.MultiHeadAttention(2, 3, output_shape=7, name="attention")(x, x)
    return keras.Model(inputs, layers.Dense(2, name="logits")(layers.GlobalAveragePooling1D()(x)))


@pytest.mark.parametrize("make", [
    *(several_kinds, recurrent, four_convolutions, CASES["recurrent_convolution"]["2d"]),
    *(CASES["time_distributed"]["dense"], CASES["channel_gate"]["all"]),
])  # fmt: skip
def test_counts_are_exactly_those_of_the_model_that_is_cut(make):
    model = make()
    counted = channel_cost(model)
    draw = np.random.default_rng(3)
    kept = np.ones(len(counted.channels), bool)
    for group in counted.groups.prunable:
        gone = draw.choice(group.channels, len(group) // 2, replace=False)
        kept &= ~np.isin(counted.channels, gone)
    smaller = remove_channels(model, counted.groups, counted.channels[~kept])
    for before, mask in ((model, None), (smaller, kept)):
        measured = cost(before)
        assert counted.total("macs", mask) == measured.total("macs")
        assert counted.total("parameters", mask) == measured.total("parameters")
    layer = {each.name: each.macs for each in cost(smaller).layers if each.macs}
    assert {name: value for name, value in counted.per_layer("macs", kept).items() if value} == layer


@pytest.mark.parametrize("target", ["parameters", "macs", "flops", "model_size", "activation", "memory", "latency"])
def test_the_function_has_the_exact_values_and_gradients(target):
    counted = channel_cost(several_kinds(), hardware="V100")
    function, number = counted.function(target), len(counted.channels)
    draw = np.random.default_rng(4)
    for kept in (np.ones(number, bool), draw.random(number) < 0.6):
        exact = counted.total(target, kept) / counted.total(target)
        assert float(function.share(kept.astype(np.float32))) == pytest.approx(exact, rel=1e-6)  # float32
    alive = tf.constant((draw.random(number) < 0.6).astype(np.float32))
    r = tf.constant(draw.random(number).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(alive)
        share = function.share(alive)
    slope = tape.gradient(share, alive)
    with tf.GradientTape() as tape:
        tape.watch([alive, r])
        term = function.regularization(alive, r)
    by_r, by_alive = tape.gradient(term, [r, alive])
    assert by_alive is None
    if target in ("parameters", "activation"):  # others charge depthwise products twice
        np.testing.assert_allclose(by_r, slope, rtol=1e-5, atol=1e-9)
        assert float(term) == pytest.approx(float(tf.reduce_sum(slope * r)), rel=1e-5)
    assert float(tf.reduce_sum(by_r * r)) == pytest.approx(float(term), rel=1e-5)  # it is linear in r


def test_depthwise_products_are_charged_for_what_they_read_and_make():
    inputs = keras.Input((6, 7, 4))
    x = layers.Conv2D(5, 1, use_bias=False, name="first")(inputs)
    x = layers.DepthwiseConv2D((3, 2), padding="same", use_bias=False, name="depthwise")(x)
    counted = channel_cost(keras.Model(inputs, layers.Dense(1, name="end")(layers.GlobalAveragePooling2D()(x))))
    r = np.asarray([0.1, 0.2, 0.3, 0.4, 0.5], np.float32)
    term = counted.function("flops").regularization(np.ones(5, np.float32), r) * counted.total("flops")
    expected = 2 * 6 * 7 * 4 * 1.5 + 2 * 6 * 7 * 6 * (1.5 + 1.5) + 2 * 1.5
    assert float(term) == pytest.approx(expected, rel=1e-6)


def test_the_function_compiles():
    function = channel_cost(several_kinds(), hardware="V100").function("latency")
    ones = tf.ones(len(channel_cost(several_kinds()).channels))
    compiled = tf.function(lambda alive, r: function.regularization(alive, r), jit_compile=True)
    assert float(compiled(ones, ones)) == pytest.approx(float(function.regularization(ones, ones)), rel=1e-6)


def test_only_chosen_groups_are_variable():
    model = four_convolutions()
    groups = ChannelGroups(model)
    chosen = groups.group_of("conv3")
    counted = channel_cost(model, groups, chosen)
    assert counted.channels.tolist() == chosen[0].channels.tolist()
    found = counted.per_layer("flops", np.zeros(29, bool))
    assert (found["conv3"], found["conv2"], found["end"]) == (0, 2 * 17 * 19 * 3 * 23, 2 * 31)


def test_batches_and_types_count():
    single, batch = (channel_cost(four_convolutions(), batch_size=size) for size in (1, 4))
    assert batch.total("flops") == 4 * single.total("flops")
    assert batch.total("model_size") == single.total("model_size")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = channel_cost(four_convolutions())
    finally:
        keras.config.set_dtype_policy("float32")
    inputs = 17 * 19 * 3 * 4  # of both first convolutions; they cast what they read
    assert half.total("memory") - 2 * inputs == (single.total("memory") - 2 * inputs) // 2


def test_nested_and_shared_layers_count_for_each_call():
    block = keras.Sequential([keras.Input((4, 4, 6)), layers.Conv2D(6, 1, use_bias=False, name="inner")], name="block")
    inputs = keras.Input((4, 4, 6))
    model = keras.Model(inputs, layers.Conv2D(2, 1, name="end")(block(block(inputs))))
    counted = channel_cost(model)
    assert counted.per_layer("macs") == {"block/inner": 2 * 16 * 36, "end": 16 * 12}
    assert counted.per_layer("model_size") == {"block/inner": 36, "end": 12}


def test_free_lengths_need_shapes():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layers.Conv2D(2, 1, name="end")(layers.Conv2D(4, 3, name="first")(inputs)))
    with pytest.raises(ConfigError, match=r"the lengths of its input \(None, None, None, 3\) are free"):
        channel_cost(model)
    assert channel_cost(model, input_shapes=[(5, 5, 3)]).total("macs") == 9 * (27 * 4 + 8)


def test_mistakes_are_named():
    counted = channel_cost(four_convolutions())
    with pytest.raises(UnknownNameError, match=r"target: expected one of parameters, .*Did you mean `flops`\?"):
        counted.total("flop")
    with pytest.raises(ConfigError, match=r'latency: expected hardware. Give it: `channel_cost\(model, hardware="V100'):
        counted.function("latency")
    with pytest.raises(ConfigError, match=r"`batch_size` must be at least 1. Received: batch_size=0."):
        channel_cost(four_convolutions(), batch_size=0)
    mine = Hardware(name="mine", peak_flops=1e9, bandwidth=1e9)
    assert channel_cost(four_convolutions(), hardware=mine).hardware is mine


def test_layers_without_a_rule_are_named():
    inputs = keras.Input((4, 6))
    x = layers.Dense(5, name="hidden")(inputs)
    x = layers.AdditiveAttention(name="attention")([x, x])
    assert channel_cost(keras.Model(inputs, layers.Dense(2, name="end")(x))).unknown == ("attention",)
