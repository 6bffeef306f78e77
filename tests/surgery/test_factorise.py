"""Tests of layers made two."""

import keras
import numpy as np
import pytest
from keras import layers

from source.layer import weight_paths
from source.layer.fake_quantize import FakeQuantize
from source.layer.low_rank import LowRank, matrix, matrix_shape, row_axes
from source.surgery.bake import bake
from source.surgery.factorise import (
    Unfactorised,
    factorise,
    in_turn,
    refusal,
    split,
    split_refusal,
    trained_factors,
    unfactorisable,
)
from source.surgery.rewrite import layers_of, rewrite
from source.surgery.wrap import wrapped

RANK = 2
SERIES, IMAGE, VOLUME = (11, 6), (9, 10, 6), (5, 6, 7, 6)
# Float32 rounds each of some dozens of sums of numbers near 1 by 6e-8 of them.
CLOSE = {"rtol": 3e-5, "atol": 3e-5}

KINDS = {
    "dense": (SERIES, lambda: layers.Dense(8, "relu", name="it"), [(6, 2), (2, 8)]),
    "conv1d": (SERIES, lambda: layers.Conv1D(8, 3, padding="causal", name="it"), [(3, 6, 2), (1, 2, 8)]),
    "dilated1d": (SERIES, lambda: layers.Conv1D(8, 3, dilation_rate=2, name="it"), [(3, 6, 2), (1, 2, 8)]),
    "conv2d": (IMAGE, lambda: layers.Conv2D(8, 3, activation="tanh", name="it"), [(3, 1, 6, 2), (1, 3, 2, 8)]),
    "strides": (
        IMAGE,
        lambda: layers.Conv2D(8, (3, 5), strides=(2, 3), padding="same", use_bias=False, name="it"),
        [(3, 1, 6, 2), (1, 5, 2, 8)],
    ),
    "dilated": (
        IMAGE,
        lambda: layers.Conv2D(8, 3, dilation_rate=(2, 1), padding="same", name="it"),
        [(3, 1, 6, 2), (1, 3, 2, 8)],
    ),
    "one_by_one": (IMAGE, lambda: layers.Conv2D(8, 1, name="it"), [(1, 1, 6, 2), (1, 1, 2, 8)]),
    "conv3d": (VOLUME, lambda: layers.Conv3D(8, 3, padding="same", name="it"), [(3, 3, 1, 6, 2), (1, 1, 3, 2, 8)]),
    "transposed1d": (
        SERIES,
        lambda: layers.Conv1DTranspose(8, 3, strides=2, padding="same", name="it"),
        [(1, 2, 6), (3, 8, 2)],
    ),
    "transposed2d": (
        IMAGE,
        lambda: layers.Conv2DTranspose(8, 3, strides=(2, 1), padding="same", name="it"),
        [(1, 3, 2, 6), (3, 1, 8, 2)],
    ),
    "transposed_valid": (IMAGE, lambda: layers.Conv2DTranspose(8, 3, name="it"), [(1, 3, 2, 6), (3, 1, 8, 2)]),
    "separable1d": (SERIES, lambda: layers.SeparableConv1D(8, 3, padding="same", name="it"), [(1, 6, 2), (1, 2, 8)]),
    "separable2d": (
        IMAGE,
        lambda: layers.SeparableConv2D(8, 3, strides=2, padding="same", activation="relu", name="it"),
        [(1, 1, 6, 2), (1, 1, 2, 8)],
    ),
}


def model_of(shape, *parts) -> keras.Model:
    inputs = x = keras.Input(shape)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x)


def path_of(layer) -> str:
    names = {layers.Embedding: "embeddings", layers.SeparableConv1D: "pointwise_kernel"}
    return {**names, layers.SeparableConv2D: "pointwise_kernel"}.get(type(layer), "kernel")


def with_low_rank(layer, rank=RANK):
    """Gives a layer a random weight of a rank, and a random bias; returns the factors."""
    random, path = np.random.default_rng(0), path_of(layer)
    weight = weight_paths.of(layer)[path]
    rows = row_axes(layer, path, len(weight.shape))
    height, width = matrix_shape(weight.shape, rows)
    left, right = random.normal(size=(height, rank)) / 2, random.normal(size=(rank, width)) / 2
    order = [*rows, *(axis for axis in range(len(weight.shape)) if axis not in rows)]
    tensor = (left @ right).reshape([weight.shape[axis] for axis in order]).transpose(np.argsort(order))
    np.testing.assert_allclose(matrix(tensor, rows), left @ right)
    weight.assign(tensor)
    if getattr(layer, "bias", None) is not None:
        layer.bias.assign(random.normal(size=layer.bias.shape))
    return left, right


def numbers(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(x)


def inputs_of(model) -> np.ndarray:
    shape = (2, *model.input_shape[1:])
    if model.inputs[0].dtype != "float32":
        return np.random.default_rng(1).integers(0, 20, shape)
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def assert_close(one, other):
    x = inputs_of(one)
    np.testing.assert_allclose(numbers(other(x)), numbers(one(x)), **CLOSE)


def prepared(model, rank=RANK, **settings):
    """Returns a model whose layer `it` sees its weight through factors of a rank."""

    def replace(layer):
        if layer.name != "it":
            return None
        path = path_of(layer)
        weight = weight_paths.of(layer)[path]
        factors = LowRank(rank, row_axes(layer, path, len(weight.shape)), **settings)
        made = wrapped(layer, weights={path: [factors]})
        factors.calibrate(numbers(weight))
        return made

    return rewrite(model, replace)


@pytest.mark.parametrize("name", KINDS)
def test_a_layer_with_a_weight_of_low_rank_becomes_two(name):
    shape, make, kernels = KINDS[name]
    layer = make()
    model = model_of(shape, layer)
    with_low_rank(layer)
    made = factorise(model)
    first, second = list(layers_of(made))
    assert (first.name, second.name) == ("it_factor", "it")
    assert [tuple(weight_paths.of(each)[path_of(each)].shape) for each in (first, second)] == kernels
    assert not first.use_bias and first.activation is keras.activations.linear
    assert second.use_bias == layer.use_bias and second.activation is layer.activation
    assert made.count_params() < model.count_params()
    assert made.output_shape == model.output_shape
    assert_close(model, made)


@pytest.mark.parametrize("name", KINDS)
def test_trained_factors_become_two_layers(name, tmp_path):
    shape, make, kernels = KINDS[name]
    layer = make()
    model = model_of(shape, layer)
    with_low_rank(layer)
    before = prepared(model)
    finished = bake(before)
    first, second = list(layers_of(finished))
    assert [tuple(weight_paths.of(each)[path_of(each)].shape) for each in (first, second)] == kernels
    assert_close(before, finished)
    finished.save(tmp_path / "model.keras")
    x = inputs_of(model)
    assert np.array_equal(numbers(keras.saving.load_model(tmp_path / "model.keras")(x)), numbers(finished(x)))


def test_factors_are_the_weights_of_the_finished_layers():
    layer = layers.Dense(8, name="it")
    model = model_of((6,), layer)
    with_low_rank(layer)
    before = prepared(model)
    [factors] = before.get_layer("it").weight_chains["kernel"]
    finished = bake(before)
    assert np.array_equal(numbers(finished.get_layer("it_factor").kernel), numbers(factors.left))
    assert np.array_equal(numbers(finished.get_layer("it").kernel), numbers(factors.right))
    assert np.array_equal(numbers(finished.get_layer("it").bias), numbers(layer.bias))


def test_two_layers_by_hand():
    layer = layers.Dense(2, name="it")
    layer.build((None, 3))
    layer.bias.assign([1.0, 2.0])
    pair = split(layer, np.array([[1.0], [2.0], [3.0]]), np.array([[4.0, 5.0]]))
    x = np.array([[1.0, 1.0, 1.0]], np.float32)
    assert numbers(in_turn(pair)(x)).tolist() == [[6.0 * 4.0 + 1.0, 6.0 * 5.0 + 2.0]]


def test_a_table_becomes_a_smaller_one_and_a_dense_layer_and_keeps_its_mask():
    table = layers.Embedding(20, 6, mask_zero=True, name="it")
    model = model_of((7,), table, layers.LSTM(3))
    with_low_rank(table)
    made = factorise(model)
    assert [type(each).__name__ for each in layers_of(made)] == ["Embedding", "Dense", "LSTM"]
    assert made.get_layer("it_factor").embeddings.shape == (20, 2)
    assert_close(model, made)


def test_a_shared_layer_becomes_two_shared_layers_and_nested_models_stay():
    layer = layers.Dense(6, name="it")
    inner = keras.Sequential([keras.Input((6,)), layer], name="inner")
    inputs = keras.Input((6,))
    model = keras.Model(inputs, inner(layers.ReLU()(inner(inputs))))
    with_low_rank(layer)
    for made in (factorise(model), bake(prepared(model))):
        assert [each.name for each in layers_of(made)][:2] == ["it_factor", "it"]
        assert len(made.weights) == 3
        assert_close(model, made)


def test_chains_around_a_factorised_layer_stay_in_their_places():
    layer = layers.Dense(8, "relu", name="it")
    model = model_of((6,), layer)
    with_low_rank(layer)

    def replace(each):
        factors = LowRank(RANK)
        made = wrapped(
            each,
            weights={"kernel": [factors], "bias": [FakeQuantize("fixed<8,3>")]},
            inputs=[[FakeQuantize("fixed<8,4>")]],
            before_activation=[FakeQuantize("fixed<20,4>")],
        )
        factors.calibrate(numbers(each.kernel))
        return made

    before = rewrite(model, replace)
    finished = bake(before)
    assert [type(each).__name__ for each in layers_of(finished)] == [
        "FakeQuantize", "Dense", "Dense", "FakeQuantize", "Activation"
    ]  # fmt: skip
    bias = numbers(finished.get_layer("it").bias)
    assert np.array_equal(bias * 32, np.rint(bias * 32)) and bias.any()
    assert finished.get_layer("it").activation is keras.activations.linear
    assert_close(before, finished)


def test_constraints_are_those_of_the_product_and_go():
    layer = layers.Dense(8, name="it", kernel_constraint="non_neg", kernel_regularizer="l2")
    model = model_of((6,), layer)
    with_low_rank(layer)
    first, second = list(layers_of(factorise(model)))
    assert first.kernel_constraint is None and second.kernel_constraint is None
    assert first.kernel_regularizer is not None


def test_weights_of_full_rank_stay_and_are_told():
    model = model_of((6,), layers.Dense(8, name="full"), layers.ReLU())
    assert unfactorisable(model) == [
        Unfactorised("full", "would not be smaller: rank 6 takes 84 numbers, and it has 48")
    ]
    made = factorise(model)
    assert [each.name for each in layers_of(made)][:1] == ["full"]
    x = inputs_of(model)
    assert np.array_equal(numbers(made(x)), numbers(model(x)))


def test_the_tolerance_says_what_is_left_out():
    layer = layers.Dense(6, use_bias=False, name="it")
    model = model_of((6,), layer)
    layer.kernel.assign(np.diag([1.0, 0.5, 1e-3, 0.0, 0.0, 0.0]))
    assert [unfactorisable(model), unfactorisable(model, 1e-2)] == [
        [Unfactorised("it", "would not be smaller: rank 3 takes 36 numbers, and it has 36")],
        [],
    ]
    assert factorise(model, 1e-2).get_layer("it").kernel.shape == (2, 6)
    layer.kernel.assign(np.zeros((6, 6)))
    assert factorise(model).get_layer("it").kernel.shape == (1, 6)


@keras.saving.register_keras_serializable(package="tests.surgery.factorise")
class Unlike(layers.Dense):
    """A dense layer that computes something else."""

    def call(self, x):
        return super().call(x) ** 2


def _quantized():
    layer = layers.Dense(8, name="it")
    layer.build((None, 6))
    layer.quantize("int8")
    return layer


REASONS = {
    "subclass": (lambda: Unlike(8), "is Unlike, which is not made of two"),
    "depthwise": (lambda: layers.DepthwiseConv2D(3), "is DepthwiseConv2D, which is not made of two"),
    "einsum": (lambda: layers.EinsumDense("ab,bc->ac", (3,)), "is EinsumDense, which is not made of two"),
    "groups": (lambda: layers.Conv2D(6, 3, groups=2), "has groups"),
    "output_padding": (lambda: layers.Conv2DTranspose(3, 3, strides=2, output_padding=1), "has an `output_padding`"),
    "quantized": (_quantized, "keeps its weight in another form"),
}


@pytest.mark.parametrize("name", REASONS)
def test_layers_that_cannot_be_two_say_why(name):
    make, reason = REASONS[name]
    assert refusal(make()) == reason


def test_refused_layers_are_listed_and_copied():
    model = model_of(IMAGE, layers.DepthwiseConv2D(3, name="it"), layers.ReLU())
    assert unfactorisable(model) == [Unfactorised("it", "is DepthwiseConv2D, which is not made of two")]
    assert [type(each).__name__ for each in layers_of(factorise(model))] == ["DepthwiseConv2D", "ReLU"]


def test_trained_factors_that_stay_a_product_say_why():
    def reason(layer, chain, path="kernel"):
        wrapper = wrapped(layer, weights={path: chain})
        return split_refusal(wrapper), trained_factors(wrapper)

    dense, image = layers.Dense(8, name="it"), layers.Conv2D(8, 3, name="it")
    dense.build((None, 6))
    image.build((None, 9, 9, 6))
    why, (path, factors) = reason(dense, [LowRank(2)])
    assert (why, path, factors.rank) == (None, "kernel", 2)
    assert reason(dense, [LowRank(2), FakeQuantize("fixed<8,3>")]) == (
        "sees its weight through more than factors",
        None,
    )
    assert reason(dense, [LowRank(2, split=False)])[0] == "is not to be split"
    assert reason(dense, [LowRank(5)])[0] == "would not be smaller: rank 5 takes 70 numbers, and it has 48"
    assert reason(image, [LowRank(2, rows=(0, 1, 2))])[0] == "has factors of other axes"
    attention = layers.EinsumDense("ab,bc->ac", (8,), name="it")
    attention.build((None, 6))
    assert reason(attention, [LowRank(2)])[0] == "is EinsumDense, which is not made of two"


@pytest.mark.parametrize("settings", [{"split": False}, {"rank": 5}], ids=str)
def test_what_stays_a_product_has_it_as_its_kernel(settings):
    layer = layers.Dense(8, name="it")
    model = model_of((6,), layer)
    with_low_rank(layer)
    before = prepared(model, **settings)
    finished = bake(before)
    seen = numbers(before.get_layer("it").seen_weight("kernel"))
    assert np.array_equal(numbers(finished.get_layer("it").kernel), seen)
