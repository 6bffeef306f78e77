"""Tests of what layers cost: published counts, rules by hand, bits of weights and of activations."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.compressor.build import compressor
from source.config.errors import ConfigError
from source.graph.cost import cost
from source.graph.stored_numbers import StoredNumbers
from source.network import cifarnet, lenet5
from tests.graph.networks_to_count import lmnet_v1


def functional(shape, *chain):
    x = inputs = keras.Input(shape)
    for layer in chain:
        x = layer(x)
    return keras.Model(inputs, x, name="tried")


def by_name(model, **arguments):
    return {layer.name: layer for layer in cost(model, **arguments).layers}


def test_lmnet_costs_what_its_profile_says():
    counted = cost(lmnet_v1())
    assert (counted.total("parameters"), counted.total("flops"), counted.unknown) == (717_226, 267_080_050, ())
    layer = counted.layers[0]
    assert (layer.name, layer.parameters, layer.flops, layer.macs) == ("conv1", 864, 1_769_472, 884_736)


@pytest.mark.parametrize(
    ("network", "size", "parameters", "macs"),
    [(cifarnet, (32, 32, 3), 1_296_074, 174_301_824), (lenet5, (28, 28, 1), 431_080, 2_293_000)],
)
def test_published_networks_cost_what_is_published(network, size, parameters, macs):
    counted = cost(network.build(network.Config(), keras.Input(size)))
    assert (counted.total("parameters"), counted.total("macs"), counted.unknown) == (parameters, macs, ())


@pytest.mark.parametrize(
    ("name", "macs"),
    # ResNet-50 with its stride in the 1x1 convolutions; MobileNet of width 1.
    [("ResNet50", 3_857_973_248), ("MobileNet", 568_740_352)],
)
def test_applications_cost_what_is_published(name, macs):
    counted = cost(getattr(keras.applications, name)(weights=None))
    assert (counted.total("macs"), counted.unknown) == (macs, ())


def test_statistics_are_stored_but_are_no_parameters():
    layer = by_name(functional((4, 4, 3), layers.BatchNormalization(name="norm")))["norm"]
    assert (layer.parameters, layer.size_bytes, layer.macs, layer.flops) == (6, 48, 0, 0)
    assert [weight.path for weight in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]


def test_frozen_layers_keep_their_parameters():
    model = functional((3,), layers.Dense(2))
    model.trainable = False
    assert cost(model).total("parameters") == 8


def test_biases_average_pools_and_softmax_are_operations():
    model = functional(
        (8, 8, 3),
        layers.Conv2D(4, 3, name="conv"),
        layers.AveragePooling2D(2, name="pool"),
        layers.MaxPooling2D(3, name="max"),
        layers.GlobalAveragePooling2D(name="mean"),
        layers.Dense(5, activation="softmax", name="head"),
    )
    flops = {name: layer.flops for name, layer in by_name(model).items()}
    products = 36 * 27 * 4
    # 36 places, 9 windows of 4 numbers, one window of 1.
    assert flops == {"conv": 2 * products + 36 * 4, "pool": 9 * 4 * 4, "max": 0, "mean": 4, "head": 2 * 20 + 5 + 5 * 5}


def test_biases_inside_a_layer_are_counted_with_their_kernels():
    model = functional((5, 4), layers.SimpleRNN(3, name="series"))
    assert by_name(model)["series"].flops == 2 * 5 * (12 + 9) + 5 * 3


def test_products_of_activations_with_each_other():
    left, right = keras.Input((6, 4)), keras.Input((7, 4))
    attended = layers.Attention(name="attention")([left, right])
    dotted = layers.Dot((2, 2), name="dot")([left, right])
    product = ops.matmul(left, ops.transpose(right, (0, 2, 1)))
    summed = ops.einsum("bij,bkj->bik", left, right)
    counted = cost(keras.Model([left, right], [attended, dotted, product, summed]))
    macs = {layer.kind: layer.macs for layer in counted.layers}
    assert macs == {"Attention": 6 * 7 * 8, "Dot": 168, "Transpose": 0, "Matmul": 168, "Einsum": 168}
    # Both factors are float32 activations.
    assert {layer.kind: layer.bit_operations for layer in counted.layers}["Dot"] == 168 * 32 * 32


@keras.saving.register_keras_serializable("tests_of_cost")
class Doubled(layers.Layer):
    def call(self, x):
        return x * 2

    def compute_output_shape(self, input_shape):
        return input_shape


def test_layers_without_a_rule_are_named_and_not_summed():
    model = functional((4,), layers.Dense(4, name="known"), Doubled(name="own"), layers.Lambda(ops.tanh, name="free"))
    counted = cost(model)
    assert counted.unknown == ("own", "free")
    assert counted.total("macs") == 16
    unknown = counted.layers[1]
    assert (unknown.macs, unknown.flops, unknown.bit_operations, unknown.activations) == (None, None, None, 4)


def test_a_shared_layer_is_counted_at_each_call_and_stored_once():
    shared, inputs = layers.Dense(4, name="shared"), keras.Input((4,))
    counted = cost(keras.Model(inputs, shared(shared(inputs)))).layers
    [layer] = counted
    assert (layer.calls, layer.macs, layer.parameters, layer.activations) == (2, 32, 20, 8)


def test_layers_of_nested_models_bear_their_names_and_see_the_sizes_of_the_call():
    inner = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 1, name="conv")], name="inner")
    model = functional((8, 8, 3), inner, layers.Flatten(name="flat"))
    found = by_name(model)
    assert list(found) == ["inner/conv", "flat"]
    assert (found["inner/conv"].macs, found["inner/conv"].output_shape) == (64 * 6, (None, 8, 8, 2))


def test_free_lengths_are_asked_for():
    model = functional((None, None, 3), layers.Conv2D(2, 1, name="conv"))
    with pytest.raises(ConfigError, match=r"its input \(None, None, None, 3\) are free.*input_shapes=\[\(224"):
        cost(model)
    assert by_name(model, input_shapes=[(4, 5, 3)])["conv"].macs == 20 * 6
    with pytest.raises(ConfigError, match=r"input_shapes: expected 1 shapes. Received: 2\."):
        cost(model, input_shapes=[(4, 5, 3), (1, 1, 1)])


def test_models_that_are_classes_are_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ConfigError, match=r"\(Own\) cannot be looked at: expected a functional or sequential"):
        cost(Own(name="own"))


def test_the_model_is_left_as_it_was():
    model = functional((4,), layers.Dense(3, name="dense"))
    cost(model)
    assert model.get_layer("dense").output.shape == (None, 3)  # refused for layers that are called twice
    assert len(model.operations) == 2


def test_bits_of_activations_are_those_of_the_rounding_before():
    quantize = keras.quantizers.fake_quant_with_min_max_vars
    inputs = keras.Input((4, 4, 2))
    rounded = quantize(inputs, -1.0, 1.0)
    moved = layers.MaxPooling2D(2, name="max")(rounded)
    first = layers.Conv2D(2, 1, use_bias=False, name="first")
    second = layers.Conv2D(2, 1, use_bias=False, name="second")
    model = keras.Model(inputs, second(first(moved)))
    first.kernel.assign(np.reshape([3, -7, 1, 7], (1, 1, 2, 2)) * np.float32(0.1))
    second.kernel.assign(np.reshape([0.123, 0.1, 0.77, 0.3], (1, 1, 2, 2)))
    found = by_name(model)
    assert (found["max"].activation_bits, found["max"].activation_bytes) == (8, 8)
    assert found["first"].bit_operations == 16 * 8 * found["first"].weights[0].stored.bits
    assert (found["first"].activation_bits, found["second"].bit_operations) == (32, 16 * 32 * 32)


def test_a_finished_model_costs_the_bits_that_it_was_rounded_to():
    model = functional((8, 8, 3), layers.Conv2D(16, 3, name="conv"), layers.ReLU(name="relu"), layers.Flatten())
    tool = compressor("quantize_aware")
    prepared = tool.prepare(model)
    prepared(np.ones((1, 8, 8, 3), np.float32), training=True)
    finished = by_name(tool.finish(prepared))["conv"]
    assert (finished.weights[0].stored.how, finished.bit_operations) == ("int8", finished.macs * 64)


def test_a_prepared_model_is_counted_as_what_is_inside_and_as_it_says():
    model = functional((8, 8, 3), layers.Conv2D(4, 3, name="conv"), layers.BatchNormalization(name="norm"))
    prepared = compressor("quantize_aware").prepare(model)
    counted = by_name(prepared, stored=lambda layer, path: StoredNumbers(3, 1000, "said"))["conv"]
    assert counted.macs == 36 * 27 * 4
    [kernel] = [weight for weight in counted.weights if weight.is_kernel]
    assert (kernel.macs, kernel.stored) == (counted.macs, StoredNumbers(3, 1000, "said"))
    assert counted.bit_operations == counted.macs * 3 * 8


def test_sparsity_is_that_of_kernels():
    layer = layers.Dense(5, name="dense")
    model = functional((4,), layer)
    layer.kernel.assign(np.eye(4, 5))
    assert cost(model).sparsity == pytest.approx(0.8)
    assert cost(functional((4,), layers.ReLU())).sparsity == 0.0
