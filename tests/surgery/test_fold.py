"""Tests of folding batch normalization."""

import keras
import numpy as np
import pytest
from keras import layers

from source.config.errors import ConfigError
from source.numeric.grid import channel_grid
from source.surgery.fold import Unfolded, fold_batch_norm, unfoldable
from source.surgery.rewrite import layers_of

IMAGE = (6, 7, 4)
SHAPES = {1: (9, 4), 2: IMAGE, 3: (4, 5, 6, 4)}
# Float32 rounds each of some dozens of sums of numbers near 1 by 6e-8 of them.
CLOSE = {"rtol": 2e-5, "atol": 2e-5}

BEHIND = {
    "dense": (SHAPES[1], lambda: layers.Dense(5)),
    "einsum": (SHAPES[1], lambda: layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d")),
    "einsum_without_bias": (SHAPES[1], lambda: layers.EinsumDense("abc,cde->abde", (None, 3, 5))),
    "einsum_with_more_bias": (SHAPES[1], lambda: layers.EinsumDense("abc,cde->abde", (None, 3, 5), bias_axes="de")),
    "conv1d": (SHAPES[1], lambda: layers.Conv1D(5, 3, padding="causal")),
    "conv2d": (SHAPES[2], lambda: layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False)),
    "groups": (SHAPES[2], lambda: layers.Conv2D(6, 3, groups=2)),
    "conv3d": (SHAPES[3], lambda: layers.Conv3D(3, 2)),
    "depthwise1d": (SHAPES[1], lambda: layers.DepthwiseConv1D(3, depth_multiplier=2)),
    "depthwise2d": (SHAPES[2], lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")),
    "separable1d": (SHAPES[1], lambda: layers.SeparableConv1D(5, 3)),
    "separable2d": (SHAPES[2], lambda: layers.SeparableConv2D(5, 3, depth_multiplier=2, use_bias=False)),
    "transposed1d": (SHAPES[1], lambda: layers.Conv1DTranspose(3, 3, strides=2)),
    "transposed2d": (SHAPES[2], lambda: layers.Conv2DTranspose(3, 3, padding="same")),
    "transposed3d": (SHAPES[3], lambda: layers.Conv3DTranspose(3, 2)),
}
AHEAD = {
    "dense": (SHAPES[1], lambda: layers.Dense(5, "relu", use_bias=False)),
    "conv1d": (SHAPES[1], lambda: layers.Conv1D(5, 3, dilation_rate=2)),
    "conv2d": (SHAPES[2], lambda: layers.Conv2D(6, 3, strides=2, activation="relu")),
    "groups": (SHAPES[2], lambda: layers.Conv2D(6, 3, groups=2)),
    "one_by_one": (SHAPES[2], lambda: layers.Conv2D(6, 1, strides=2, padding="same")),
    "conv3d": (SHAPES[3], lambda: layers.Conv3D(3, 2)),
    "depthwise1d": (SHAPES[1], lambda: layers.DepthwiseConv1D(3, depth_multiplier=2)),
    "depthwise2d": (SHAPES[2], lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)),
    "separable1d": (SHAPES[1], lambda: layers.SeparableConv1D(5, 3, depth_multiplier=3)),
    "separable2d": (SHAPES[2], lambda: layers.SeparableConv2D(5, 3, depth_multiplier=2, activation="tanh")),
}


def filled(model: keras.Model, seed: int = 0) -> keras.Model:
    """Returns the model with random weights and statistics; one channel of each normalization is switched off."""
    random = np.random.default_rng(seed)
    for layer in layers_of(model):
        for weight in layer.weights:
            weight.assign(random.normal(size=weight.shape))
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_variance.assign(random.uniform(0.3, 3.0, layer.moving_variance.shape))
            if layer.scale and layer.gamma.shape[0] > 2:
                layer.gamma.assign(np.where(np.arange(layer.gamma.shape[0]) == 1, 0.0, layer.gamma))
    return model


def chain(shape, *parts) -> keras.Model:
    inputs = x = keras.Input(shape)
    for part in parts:
        x = part(x)
    return filled(keras.Model(inputs, x))


def norm(name="norm", **settings):
    return layers.BatchNormalization(name=name, **settings)


def numbers(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(x)


def assert_same_outputs(model, folded):
    random = np.random.default_rng(1)
    inputs = [random.normal(size=(3, *each.shape[1:])).astype(np.float32) for each in model.inputs]
    x = inputs if len(inputs) > 1 else inputs[0]
    for one, other in zip(keras.tree.flatten(model(x)), keras.tree.flatten(folded(x)), strict=True):
        np.testing.assert_allclose(numbers(other), numbers(one), **CLOSE)


def kinds(model) -> list[str]:
    return [type(layer).__name__ for layer in layers_of(model)]


def test_a_normalization_behind_by_hand():
    model = chain((2,), layers.Dense(2, name="dense"), norm(epsilon=0.0))
    dense, normalization = model.layers[1:]
    dense.set_weights([np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0])])
    # gamma, beta, mean, variance: s = 6 / 2 and -1 / 0.5.
    normalization.set_weights([np.array(each) for each in ([6.0, -1.0], [0.5, 1.0], [2.0, 3.0], [4.0, 0.25])])
    folded = fold_batch_norm(model)
    kernel, bias = folded.get_layer("dense").get_weights()
    assert kernel.tolist() == [[3.0, -4.0], [9.0, -8.0]]
    assert bias.tolist() == [(1.0 - 2.0) * 3.0 + 0.5, (-1.0 - 3.0) * -2.0 + 1.0]
    assert kinds(folded) == ["Dense"]


def test_a_normalization_ahead_by_hand():
    model = chain((2,), norm(epsilon=0.0, scale=False), layers.Dense(2, use_bias=False, name="dense"))
    kernel = np.array([[1.1, 2.0], [3.0, 4.7]], np.float32)
    model.get_layer("dense").set_weights([kernel])
    # beta, mean, variance: s = 1 / 2 and 1 / 0.5, offsets 0 and -5.
    model.get_layer("norm").set_weights([np.array(each) for each in ([1.0, 1.0], [2.0, 3.0], [4.0, 0.25])])
    folded = fold_batch_norm(model)
    found, bias = folded.get_layer("dense").get_weights()
    np.testing.assert_array_equal(found, kernel * np.array([[0.5], [2.0]]))
    np.testing.assert_array_equal(bias, np.float32(-5.0 * kernel[1].astype(np.float64)))


@pytest.mark.parametrize("settings", [{}, {"scale": False}, {"center": False}], ids=str)
@pytest.mark.parametrize("name", BEHIND)
def test_a_normalization_behind_goes(name, settings):
    shape, make = BEHIND[name]
    model = chain(shape, make(), norm(**settings), layers.ReLU())
    folded = fold_batch_norm(model)
    assert unfoldable(model) == []
    assert kinds(folded) == [each for each in kinds(model) if each != "BatchNormalization"]
    assert_same_outputs(model, folded)


@pytest.mark.parametrize("name", AHEAD)
def test_a_normalization_ahead_goes(name):
    shape, make = AHEAD[name]
    model = chain(shape, layers.ReLU(), norm(), make())
    folded = fold_batch_norm(model)
    assert unfoldable(model) == []
    assert kinds(folded) == ["ReLU", type(model.layers[-1]).__name__]
    assert_same_outputs(model, folded)


def test_one_layer_takes_in_what_is_ahead_and_what_is_behind():
    model = chain(IMAGE, norm("first"), layers.SeparableConv2D(5, 3), norm("second"), layers.ReLU())
    folded = fold_batch_norm(model)
    assert kinds(folded) == ["SeparableConv2D", "ReLU"]
    assert_same_outputs(model, folded)


def test_channels_first_are_folded_along_their_axis():
    model = chain((4, 6), layers.ReLU(), layers.Dense(5, name="dense"), norm(axis=1))
    assert unfoldable(model) == [
        Unfolded(
            "norm",
            "normalizes axis 1, and `dense` has its channels on axis 2; goes to the output of a model",
        )
    ]
    inputs = keras.Input((4, 6, 6))
    x = layers.Conv2D(5, 3, data_format="channels_first", name="conv")(inputs)
    model = filled(keras.Model(inputs, norm(axis=1)(x)))
    folded = fold_batch_norm(model)
    assert kinds(folded) == ["Conv2D"]
    scale = numbers(model.get_layer("norm").gamma) / np.sqrt(numbers(model.get_layer("norm").moving_variance) + 1e-3)
    kernel = numbers(model.get_layer("conv").kernel)
    np.testing.assert_allclose(numbers(folded.get_layer("conv").kernel), kernel * scale, rtol=1e-6)  # float32 scale


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("name", ["dense", "conv2d", "groups", "depthwise2d", "transposed2d"])
def test_codes_stay_codes(name, bits):
    shape, make = BEHIND[name]
    model = chain(shape, make(), norm())
    layer, random = model.layers[1], np.random.default_rng(2)
    axes = {"depthwise2d": (2, 3), "transposed2d": (2,)}.get(name, (len(layer.kernel.shape) - 1,))
    highest = 2 ** (bits - 1) - 1
    kept = [length if axis in axes else 1 for axis, length in enumerate(layer.kernel.shape)]
    codes = random.integers(-highest, highest + 1, layer.kernel.shape)
    scales = random.lognormal(-2.0, 1.0, kept).astype(np.float32)
    layer.kernel.assign(codes.astype(np.float32) * scales)
    folded = fold_batch_norm(model)
    kernel = numbers(folded.layers[1].kernel)
    found = channel_grid(kernel, axes, bits)
    before, _ = channel_grid(numbers(layer.kernel), axes, bits)
    gamma = numbers(model.layers[2].gamma)
    assert found is not None
    signs = (
        np.sign(gamma).reshape([-1 if axis in axes else 1 for axis in range(kernel.ndim)])
        if len(axes) == 1
        else (np.sign(gamma).reshape(1, 1, *kernel.shape[2:]))
    )
    assert np.array_equal(found[0], before * signs)
    assert_same_outputs(model, folded)


def test_codes_are_not_undone_by_scales_of_inputs():
    model = chain((4,), norm(), layers.Dense(5, name="dense"))
    model.get_layer("dense").kernel.assign(np.random.default_rng(0).integers(-7, 8, (4, 5)) * np.float32(0.3))
    [kept] = unfoldable(model)
    assert kept.reason.endswith(
        "goes to `dense`, whose weights have codes of few bits that scales of inputs would undo"
    )
    assert kinds(fold_batch_norm(model)) == kinds(model)
    # A kernel for each input has its scale for each input.
    model = chain(IMAGE, norm(), layers.DepthwiseConv2D(3))
    model.layers[-1].kernel.assign(np.random.default_rng(0).integers(-7, 8, (3, 3, 4, 1)) * np.float32(0.3))
    folded = fold_batch_norm(model)
    assert channel_grid(numbers(folded.layers[-1].kernel), (2, 3), 4) is not None
    assert_same_outputs(model, folded)


def test_zeros_stay_zeros():
    model = chain(IMAGE, layers.Conv2D(6, 3), norm())
    kernel = numbers(model.layers[1].kernel)
    model.layers[1].kernel.assign(np.where(np.abs(kernel) < 0.7, 0.0, kernel))
    gamma = numbers(model.layers[2].gamma)
    expected = (np.abs(kernel) >= 0.7) & (gamma != 0)
    assert np.array_equal(numbers(fold_batch_norm(model).layers[1].kernel) != 0, expected)


def test_a_layer_with_its_normalization_called_twice_is_folded_once():
    first, second = keras.Input(IMAGE), keras.Input(IMAGE)
    conv, normalization, relu = layers.Conv2D(5, 3, name="conv"), norm(), layers.ReLU()
    outputs = [relu(normalization(conv(x))) for x in (first, second)]
    model = filled(keras.Model([first, second], {"a": outputs[0], "b": outputs[1]}))
    folded = fold_batch_norm(model)
    assert kinds(folded) == ["Conv2D", "ReLU"]
    assert_same_outputs(model, folded)


def test_one_normalization_ahead_of_several_layers_goes_into_each():
    inputs = keras.Input(IMAGE)
    x = norm()(layers.ReLU()(inputs))
    model = filled(keras.Model(inputs, [layers.Conv2D(3, 1, name="one")(x), layers.Conv2D(2, 3, name="three")(x)]))
    folded = fold_batch_norm(model)
    assert kinds(folded) == ["ReLU", "Conv2D", "Conv2D"]
    assert_same_outputs(model, folded)


def test_nested_models_are_folded_inside():
    block = keras.Sequential(
        [keras.Input(IMAGE), layers.Conv2D(4, 3, padding="same"), norm(), layers.ReLU()], name="block"
    )
    inputs = keras.Input(IMAGE)
    model = filled(keras.Model(inputs, layers.Dense(3)(block(block(inputs)))))
    folded = fold_batch_norm(model)
    assert kinds(folded) == ["Conv2D", "ReLU", "Dense"]
    assert [layer.name for layer in folded.layers if isinstance(layer, keras.Model)] == ["block"]
    assert_same_outputs(model, folded)


def test_the_given_model_stays_and_the_copy_is_saved_by_keras_alone(tmp_path):
    model = chain(IMAGE, layers.Conv2D(4, 3, name="conv", activation=None), norm(), layers.Flatten())
    before = [numbers(each) for each in model.weights]
    folded = fold_batch_norm(model)
    folded.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert all(np.array_equal(one, numbers(other)) for one, other in zip(before, model.weights, strict=True))
    assert loaded.get_layer("conv").name == "conv" and len(loaded.weights) == 2
    assert_same_outputs(model, loaded)


def test_frozen_layers_stay_frozen():
    model = chain(IMAGE, layers.Conv2D(4, 3, name="conv", trainable=False), norm())
    assert fold_batch_norm(model).trainable_weights == []


@keras.saving.register_keras_serializable(package="tests.surgery")
class Unlike(layers.Dense):
    """A dense layer that computes something else."""

    def call(self, x):
        return super().call(x) ** 2


def _branch():
    inputs = keras.Input((4,))
    x = layers.Dense(4, name="it")(inputs)
    return keras.Model(inputs, layers.Add(name="add")([x, norm()(x)]))


def _output():
    inputs = keras.Input((4,))
    x = layers.Dense(4, name="it")(inputs)
    return keras.Model(inputs, [x, norm()(x)])


def _several():
    inputs, normalization = keras.Input((4,)), norm()
    x, y = layers.Dense(4, name="a")(inputs), layers.Dense(4, name="b")(inputs)
    return keras.Model(inputs, layers.Add(name="add")([normalization(x), normalization(y)]))


def _training():
    inputs = keras.Input((4,))
    return keras.Model(inputs, norm()(layers.Dense(4)(inputs), training=True))


def _joined():
    inputs = keras.Input((4,), name="input")
    dense = layers.Dense(4, name="both")
    return keras.Model(inputs, dense(norm()(inputs)) + dense(inputs))


REASONS = {
    "branch": (_branch, "follows `it`, whose output goes to `add`, too; goes to `add`, which is Add, no linear layer"),
    "output": (_output, "follows `it`, whose output goes to the output of a model, too; goes to the output of a model"),
    "several": (_several, "follows several layers: `a`, `b`; goes to `add`, which is Add, no linear layer"),
    "training": (_training, "is called with training=True: it takes the statistics of each batch"),
    "joined": (
        _joined,
        "follows `input`, which is InputLayer, no linear layer; goes to `both`, which `input` feeds, too",
    ),
    "activation": (
        lambda: chain((4,), layers.Dense(3, "relu", name="it"), norm(), layers.ReLU(name="relu")),
        "follows `it`, which has an activation; goes to `relu`, which is ReLU, no linear layer",
    ),
    "subclass": (
        lambda: chain((4,), Unlike(3, name="it"), norm()),
        "follows `it`, which is Unlike, no linear layer; goes to the output of a model",
    ),
    "padding": (
        lambda: chain(IMAGE, layers.ReLU(name="relu"), norm(), layers.Conv2D(3, 3, padding="same", name="conv")),
        "follows `relu`, which is ReLU, no linear layer; goes to `conv`, which pads with zeros, which would have to "
        "be other numbers",
    ),
    "transposed": (
        lambda: chain(IMAGE, layers.ReLU(name="relu"), norm(), layers.Conv2DTranspose(3, 3, name="conv")),
        "follows `relu`, which is ReLU, no linear layer; goes to `conv`, which is Conv2DTranspose, which does not add "
        "up the same weights in each output",
    ),
    "einsum": (
        lambda: chain((5, 4), layers.EinsumDense("abc,cde->abde", (None, 3, 2), bias_axes="d", name="it"), norm()),
        "follows `it`, which has no weight or no bias for each of its last outputs; goes to the output of a model",
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_what_stays_is_told_with_the_reason(name):
    make, reason = REASONS[name]
    model = make()
    assert unfoldable(model) == [Unfolded("norm", reason)]
    assert kinds(fold_batch_norm(model)) == kinds(model)


def test_numbers_that_are_not_finite_stay():
    model = chain((4,), layers.Dense(3), norm(epsilon=0.0))
    model.get_layer("norm").moving_variance.assign([1.0, 0.0, 1.0])
    model.get_layer("norm").gamma.assign([1.0, 1.0, 1.0])
    assert unfoldable(model) == [Unfolded("norm", "has scales or offsets that are not finite")]


def test_a_layer_that_keras_has_quantized_stays():
    model = chain((4,), layers.Dense(3, name="it"), norm())
    model.get_layer("it").quantize("int8")
    [kept] = unfoldable(model)
    assert kept.reason.startswith("follows `it`, which keeps its kernel in another form; ")


def test_models_that_cannot_be_copied_are_refused():
    with pytest.raises(ConfigError, match=r"Expected a keras.Model. Received: "):
        fold_batch_norm("model")
    with pytest.raises(ConfigError, match=r"does not know its input yet"):
        unfoldable(keras.Sequential([layers.Dense(3)]))


def test_zeros_stay_without_a_minus_where_a_gain_is_negative():
    inputs = keras.Input((2,))
    x = layers.Dense(2, use_bias=False, name="it")(inputs)
    model = keras.Model(inputs, layers.BatchNormalization(name="norm")(x))
    model.get_layer("it").kernel.assign([[0.0, 0.3], [2.0, 0.0]])
    model.get_layer("norm").gamma.assign([-1.0, -2.0])
    kernel = np.asarray(fold_batch_norm(model).get_layer("it").kernel)
    assert (kernel == 0).tolist() == [[True, False], [False, True]]
    assert not np.signbit(kernel[kernel == 0]).any()
