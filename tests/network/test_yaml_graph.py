"""Tests of networks from descriptions: connections, modules and every type of layer."""

import json

import keras
import numpy as np
import pytest
import yaml

from source.config.errors import ConfigError
from source.network import _yaml_graph_types as types
from source.network import yaml_graph
from source.network._yaml_graph_layers import MAKERS
from tests.network.counting import images

HEAD = """
  pool: {type: average_pool, pool_size: global}
  flat: {type: flatten}
  logits: {type: fully_connected, units: ^(num_classes)}
"""


def described(layers: str, graph: str, shape: tuple[int, int, int] = (8, 8, 4), **more) -> keras.Model:
    text = yaml.safe_load(f"layers:\n{layers}\ngraph:\n{graph}")
    config = yaml_graph.Config(**{"num_classes": 3, **text, **more})
    return yaml_graph.build(config, images(*shape))


def chain(layers: str, names: str, shape: tuple[int, int, int] = (8, 8, 4), **more) -> keras.Model:
    """Returns a network of one chain that ends in a classifier."""
    return described(
        f"{layers}{HEAD}", f"  {{from: input, with: [{names}, pool, flat, logits], to: output}}", shape, **more
    )


def only(layer: str, x: np.ndarray) -> np.ndarray:
    """Returns what one layer makes of x; a classifier stands beside it, so that there is an output."""
    model = chain(f"  it: {layer}", "it", x.shape[1:])
    return keras.ops.convert_to_numpy(keras.Model(model.input, model.get_layer("pool").input)(x))


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers]


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-8, 9, shape).astype(np.float32)


# Connections


def test_a_chain_is_its_layers_one_after_the_other():
    model = chain("  conv: {type: convolution, filters: 5, kernel_size: 3, activation: relu}", "conv")
    assert names(model) == ["image", "conv", "pool", "flat", "logits"]
    assert model.get_layer("conv").get_config()["activation"] == "relu"
    assert model.output_shape == (None, 3)


def test_tensors_in_a_chain_have_the_names_of_their_layers():
    layers = f"""
  a: {{type: convolution, filters: 4, kernel_size: 1}}
  b: {{type: convolution, filters: 4, kernel_size: 1}}
  sum: {{type: add}}{HEAD}"""
    graph = """
  - {from: input, with: [a, b], to: after}
  - {from: [a, after], with: [sum, pool, flat, logits], to: output}"""
    model = described(layers, graph)
    joined = [model.get_layer(name).output for name in ("a", "b")]
    assert all(one is other for one, other in zip(model.get_layer("sum").input, joined, strict=True))


def test_a_connection_without_to_is_named_by_its_last_layer():
    layers = f"  a: {{type: identity}}{HEAD}"
    model = described(layers, "  - {from: input, with: a}\n  - {from: a, with: [pool, flat, logits], to: output}")
    assert names(model) == ["image", "a", "pool", "flat", "logits"]


def test_a_connection_without_layers_gives_another_name():
    graph = "  - {from: input, to: same}\n  - {from: same, with: [pool, flat, logits], to: output}"
    assert names(described(HEAD, graph)) == ["image", "pool", "flat", "logits"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("add", lambda x: x + x), ("mul", lambda x: x * x), ("concat", lambda x: np.concatenate([x, x], -1))],
)
def test_joins(kind, expected):
    model = described(
        f"  join: {{type: {kind}}}{HEAD}", "  {from: [input, input], with: [join, pool, flat, logits], to: output}"
    )
    x = numbers(1, 8, 8, 4)
    y = keras.Model(model.input, model.get_layer("join").output)(x)
    np.testing.assert_array_equal(y, expected(x))


def test_a_split_makes_equal_parts_of_the_channels():
    layers = f"  split: {{type: split}}\n  join: {{type: concat}}{HEAD}"
    graph = """
  - {from: input, with: split, to: [front, back]}
  - {from: [back, front], with: [join, pool, flat, logits], to: output}"""
    model = described(layers, graph)
    x = numbers(1, 8, 8, 4)
    y = keras.Model(model.input, model.get_layer("join").output)(x)
    np.testing.assert_array_equal(y, x[..., [2, 3, 0, 1]])
    assert {"split_part1", "split_part2"} <= set(names(model))


def test_what_the_output_does_not_need_is_left_out():
    layers = f"  used: {{type: identity}}\n  unused: {{type: identity}}\n  beside: {{type: identity}}{HEAD}"
    graph = """
  - {from: input, with: used, to: a}
  - {from: input, with: unused, to: b}
  - {from: a, with: [pool, flat, logits], to: output}"""
    assert names(described(layers, graph)) == ["image", "used", "pool", "flat", "logits"]


def test_the_ends_can_have_other_names():
    graph = "  {from: picture, with: [pool, flat, logits], to: answer}"
    assert described(HEAD, graph, input="picture", output="answer").output_shape == (None, 3)


def test_connections_can_be_json_text():
    layers = json.dumps(yaml.safe_load(HEAD))
    graph = '{"from": "input", "with": ["pool", "flat", "logits"], "to": "output"}'
    model = yaml_graph.build(yaml_graph.Config(layers=layers, graph=graph), images(4, 4, 3))
    assert model.output_shape == (None, 10)
    with pytest.raises(ConfigError, match="graph: expected mappings as JSON text"):
        yaml_graph.Config(graph="{from")


# Modules

BLOCK = """
  _block: &block
    type: module
    kwargs: {filters: null, kernel_size: 1, after: conv}
    layers:
      conv: {type: convolution, filters: ^(filters), kernel_size: ^(kernel_size)}
      conv_relu: {type: activation, activation: relu}
    graph:
      - {from: input, with: conv}
      - {from: conv, with: conv_relu, to: activated}
      - {from: ^(after), to: output}
"""


def test_a_module_is_its_layers_under_its_name():
    model = chain(
        f"{BLOCK}  one: {{<<: *block, filters: 5}}\n  two: {{<<: *block, filters: 6, kernel_size: 3}}", "one, two"
    )
    assert names(model) == ["image", "one_conv", "two_conv", "pool", "flat", "logits"]
    assert model.get_layer("two_conv").kernel.shape == (3, 3, 5, 6)


def test_an_argument_selects_a_branch():
    model = chain(f"{BLOCK}  one: {{<<: *block, filters: 5, after: activated}}", "one")
    assert "one_conv_relu" in names(model)


def test_an_argument_in_a_longer_text_is_text():
    layers = """
  pick:
    type: module
    kwargs: {index: 2}
    layers: {conv1: {type: identity}, conv2: {type: identity}}
    graph: {from: input, with: conv^(index), to: output}"""
    assert "pick_conv2" in names(chain(layers, "pick"))


def test_a_module_in_a_module_sees_the_arguments_around_it():
    layers = """
  outer:
    type: module
    kwargs: {filters: 6}
    layers:
      inner:
        type: module
        layers: {conv: {type: convolution, filters: ^(filters), kernel_size: 1}}
        graph: {from: input, with: conv, to: output}
      own:
        type: module
        kwargs: {filters: 7}
        layers: {conv: {type: convolution, filters: ^(filters), kernel_size: 1}}
        graph: {from: input, with: conv, to: output}
    graph: {from: input, with: [inner, own], to: output}"""
    model = chain(layers, "outer")
    assert model.get_layer("outer_inner_conv").filters == 6
    assert model.get_layer("outer_own_conv").filters == 7


def test_a_module_may_have_several_ends():
    layers = f"""
  cross:
    type: module
    inputs: [a, b]
    outputs: [sum, product]
    layers: {{add: {{type: add}}, mul: {{type: mul}}}}
    graph: [{{from: [a, b], with: add, to: sum}}, {{from: [a, b], with: mul, to: product}}]
  join: {{type: concat}}{HEAD}"""
    graph = """
  - {from: [input, input], with: cross, to: [s, p]}
  - {from: [s, p], with: [join, pool, flat, logits], to: output}"""
    model = described(layers, graph)
    x = numbers(1, 8, 8, 4)
    y = keras.Model(model.input, model.get_layer("join").output)(x)
    np.testing.assert_array_equal(y, np.concatenate([x + x, x * x], -1))


def test_the_number_of_classes_is_an_argument_everywhere():
    layers = """
  head:
    type: module
    layers: {flat: {type: flatten}, logits: {type: fully_connected, units: ^(num_classes)}}
    graph: {from: input, with: [flat, logits], to: output}"""
    model = described(layers, "  {from: input, with: head, to: output}", num_classes=9)
    assert model.output_shape == (None, 9)


# Layers


def test_every_type_has_settings_and_a_maker():
    assert set(MAKERS) == set(types.TYPES)


def test_a_convolution_takes_the_settings_of_keras():
    layer = """{type: convolution, filters: 8, kernel_size: [3, 1], strides: [2, 1], padding: same, groups: 2,
      kernel_initializer: {name: truncated_normal, stddev: 0.1}, bias_initializer: ones, activation: tanh,
      trainable: false,
      kernel_regularizer: {class_name: L2, config: {l2: 0.01}}}"""
    config = chain(f"  it: {layer}", "it").get_layer("it").get_config()
    assert (config["kernel_size"], config["strides"], config["groups"]) == ((3, 1), (2, 1), 2)
    assert config["kernel_initializer"]["config"]["stddev"] == 0.1
    assert config["kernel_regularizer"]["config"]["l2"] == pytest.approx(0.01)  # kept as float32
    assert (config["activation"], config["trainable"], config["use_bias"]) == ("tanh", False, True)


def test_a_normalization_follows_and_takes_the_place_of_the_bias():
    norm = "batch_normalization: {momentum: 0.9, scale: false}"
    layer = f"{{type: convolution, filters: 2, kernel_size: 1, {norm}, activation: relu6}}"
    model = chain(f"  it: {layer}", "it")
    assert names(model)[1:4] == ["it", "it_norm", "it_relu6"]
    assert not model.get_layer("it").use_bias
    norm = model.get_layer("it_norm")
    assert (norm.momentum, norm.epsilon, norm.center, norm.scale) == (0.9, 1e-3, True, False)
    assert model.get_layer("it_relu6").max_value == 6.0
    kept = layer.replace("filters: 2", "filters: 2, use_bias: true")
    assert chain(f"  it: {kept}", "it").get_layer("it").use_bias


@pytest.mark.parametrize(
    ("padding", "side"),
    [("valid", 6), ("same", 8), ("0", 6), ("1", 8), ("[1, 1]", 8), ("[[0, 1], [2, 0]]", None)],
)
def test_padding(padding, side):
    model = chain(f"  it: {{type: convolution, filters: 1, kernel_size: 3, padding: {padding}}}", "it")
    expected = (None, side, side, 1) if side else (None, 7, 8, 1)
    assert model.get_layer("it").output.shape == expected
    assert ("it_pad" in names(model)) == (padding not in ("valid", "same", "0"))


def test_activations_with_settings_are_layers():
    layer = "{type: fully_connected, units: 4, activation: {name: leaky_relu, negative_slope: 0.1}}"
    model = described(f"  it: {layer}{HEAD}", "  {from: input, with: [pool, flat, it, logits], to: output}")
    assert model.get_layer("it_leaky_relu").negative_slope == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["relu", "relu6", "elu", "sigmoid", "tanh", "leaky_relu", "silu"])
def test_an_activation(name):
    x = numbers(1, 4, 4, 2)
    expected = getattr(keras.activations, name)(x)
    if name == "leaky_relu":
        expected = np.where(x < 0, np.float32(0.3) * x, x)  # the slope of Keras' layer
    np.testing.assert_array_equal(only(f"{{type: activation, activation: {name}}}", x), expected)


def test_a_depthwise_convolution():
    model = chain("  it: {type: depthwise_convolution, kernel_size: 3, depth_multiplier: 2, activation: relu}", "it")
    assert model.get_layer("it").kernel.shape == (3, 3, 4, 2)
    assert model.get_layer("it").activation is keras.activations.relu


@pytest.mark.parametrize(
    ("layer", "side"),
    [
        ("{type: max_pool}", 4),
        ("{type: max_pool, pool_size: 3, strides: 2}", 3),
        ("{type: max_pool, pool_size: 3, strides: 2, padding: 1}", 4),
        ("{type: max_pool, pool_size: 20}", 1),
        ("{type: average_pool, pool_size: [null, null]}", 1),
        ("{type: average_pool, pool_size: null}", 1),
        ("{type: average_pool, pool_size: global}", 1),
        ("{type: average_pool, pool_size: 3, strides: 1, padding: same}", 8),
    ],
)
def test_pools(layer, side):
    x = numbers(1, 8, 8, 4)
    assert only(layer, x).shape == (1, side, side, 4)


def test_a_pool_over_all_rows_only():
    x = numbers(1, 8, 8, 4)
    y = only("{type: average_pool, pool_size: [null, 1], strides: 1}", x)
    np.testing.assert_array_equal(y, x.mean(1, keepdims=True))


def test_a_pool_of_single_pixels_is_no_layer():
    assert "it" not in names(chain("  it: {type: max_pool, pool_size: 1}", "it"))


def test_a_dropout_of_nothing_is_no_layer():
    assert "it" not in names(chain("  it: {type: dropout, rate: 0}", "it"))
    assert chain("  it: {type: dropout, rate: 0.2}", "it").get_layer("it").rate == 0.2


def test_softmax_identity_pad_and_crop():
    x = numbers(1, 4, 4, 2)
    np.testing.assert_allclose(only("{type: softmax}", x).sum(-1), 1.0, rtol=1e-6)  # sums of float32
    np.testing.assert_array_equal(only("{type: identity}", x), x)
    np.testing.assert_array_equal(only("{type: identity, activation: relu}", x), np.maximum(x, 0))
    np.testing.assert_array_equal(
        only("{type: pad, padding: [[0, 1], [2, 0]]}", x), np.pad(x, ((0, 0), (0, 1), (2, 0), (0, 0)))
    )
    np.testing.assert_array_equal(only("{type: crop, cropping: [1, 0]}", x), x[:, 1:-1])


def test_squeeze_and_mean():
    layers = "  pool: {type: average_pool, pool_size: global}\n  squeeze: {type: squeeze}\n"
    logits = "  logits: {type: fully_connected, units: ^(num_classes)}"
    model = described(layers + logits, "  {from: input, with: [pool, squeeze, logits], to: output}", (None, None, 4))
    assert model.get_layer("squeeze").output.shape == (None, 4)
    x = numbers(1, 4, 4, 2)
    np.testing.assert_array_equal(
        only("{type: reduce_mean, axis: [1, 2], keepdims: true}", x), x.mean((1, 2), keepdims=True)
    )
    np.testing.assert_array_equal(only("{type: reduce_mean, axis: -1, keepdims: true}", x), x.mean(-1, keepdims=True))


def test_space_to_depth_is_that_of_tensorflow():
    import tensorflow as tf

    x = numbers(2, 4, 6, 3)
    np.testing.assert_array_equal(only("{type: space_to_depth, block_size: 2}", x), tf.nn.space_to_depth(x, 2))


def test_zipf_scales_channels_by_their_ranks():
    x = np.ones((1, 2, 2, 4), np.float32)
    scales = np.array([1, 1 / 2, 1 / 3, 1 / 4]) / (25 / 12)
    np.testing.assert_array_equal(only("{type: zipf}", x)[0, 0, 0], scales.astype(np.float32))


def test_batch_normalization_and_local_response_normalization():
    layer = "{type: batch_normalization, momentum: 0.5, center: false, activation: relu}"
    model = chain(f"  it: {layer}", "it")
    assert model.get_layer("it").momentum == 0.5 and not model.get_layer("it").center
    assert "it_relu" in names(model)
    model = chain("  it: {type: local_response_normalization, depth_radius: 2, alpha: 0.1, beta: 0.75}", "it")
    assert (model.get_layer("it").depth_radius, model.get_layer("it").beta) == (2, 0.75)


def test_hadamard_is_the_matrix_of_sylvester():
    x = numbers(1, 4, 4, 4)
    matrix = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], np.float32)
    np.testing.assert_array_equal(only("{type: hadamard}", x), x @ matrix)
    model = chain("  it: {type: hadamard, variable_scales: true, batch_normalization: {}, activation: relu}", "it")
    assert names(model)[1:4] == ["it", "it_norm", "it_relu"]
    assert len(model.get_layer("it").trainable_weights) == 1


def test_a_hadamard_convolution_is_one_of_each_channel_and_the_transform():
    settings = "type: hadamard_convolution, kernel_size: 3, padding: same, batch_normalization: {}, activation: relu"
    model = chain(f"  it: {{{settings}}}", "it")
    assert names(model)[1:5] == ["it", "it_hadamard", "it_norm", "it_relu"]
    assert model.get_layer("it").kernel.shape == (3, 3, 4, 1)
    wider = chain(f"  it: {{{settings}, filters: 16}}", "it").get_layer("it")
    assert (wider.kernel.shape, wider.groups) == ((3, 3, 1, 16), 4)


GATED = """{type: gated_convolution, filters: 4, kernel_size: 3, batch_normalization: {}, activation: relu,
  gate: {density: 0.5}}"""


def test_a_gated_convolution_lets_the_most_salient_channels_through():
    model = chain(f"  it: {GATED}", "it")
    assert {"it", "it_norm", "it_seen", "it_saliency", "it_gate", "it_relu"} <= set(names(model))
    norm, gate = model.get_layer("it_norm"), model.get_layer("it_gate")
    assert not norm.scale and not norm.center
    assert int(gate.kept) == 2
    saliency = model.get_layer("it_saliency")
    np.testing.assert_array_equal(saliency.bias, np.ones(4))
    saliency.set_weights([np.zeros((4, 4), np.float32), np.array([1, 4, 3, 2], np.float32)])
    gate.beta.assign(np.ones(4, np.float32))
    y = keras.Model(model.input, gate.output)(numbers(2, 8, 8, 4))
    np.testing.assert_array_equal(np.asarray(y)[:, 0, 0] != 0, [[False, True, True, False]] * 2)


@pytest.mark.parametrize("pool", ["l1", "l2", "average", "max"])
def test_what_the_predictor_of_a_gate_sees(pool):
    model = chain(f"  it: {GATED.replace('density: 0.5', f'pool: {pool}')}", "it")
    x = numbers(2, 8, 8, 4)
    seen = {"l1": np.abs(x), "l2": x**2}.get(pool, x)
    expected = seen.max((1, 2)) if pool == "max" else seen.mean((1, 2))
    np.testing.assert_array_equal(keras.Model(model.input, model.get_layer("it_saliency").input)(x), expected)


def test_from_the_logits_on_all_is_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layers = """
  logits: {type: convolution, filters: ^(num_classes), kernel_size: 1}
  conv: {type: convolution, filters: 4, kernel_size: 1}
  exact: {type: convolution, filters: 4, kernel_size: 1, dtype: float32}
  pool: {type: reduce_mean}"""
        model = described(layers, "  {from: input, with: [conv, exact, logits, pool], to: output}")
    finally:
        keras.config.set_dtype_policy("float32")
    computed = {layer.name: layer.compute_dtype for layer in model.layers[1:]}
    assert computed == {"conv": "bfloat16", "exact": "float32", "logits": "float32", "pool": "float32"}
    assert model.output.dtype == "float32"
