"""Tests of what networks from descriptions answer to mistakes: every message, with its path."""

import json
import random
import re

import keras
import pytest
import yaml

from source.config.errors import ConfigError
from source.network import yaml_graph
from source.network._yaml_graph_check import check
from source.network._yaml_graph_modules import Expansion
from tests.architecture.test_imports import heavy_modules_after
from tests.network.counting import images
from tests.network.test_yaml_graph import HEAD, chain, described

NAMES = "a name of letters, digits and `_` that does not begin with `_`."


def table(text: str) -> list[tuple[str, str]]:
    """Returns pairs of lines."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return list(zip(lines[::2], lines[1::2], strict=True))


def refused(message: str, layers: str, graph: str, **more) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        described(layers, graph, **more)


LAYERS = f"  a: {{type: identity}}\n  b: {{type: identity}}\n  sum: {{type: add}}{HEAD}"
CONNECTIONS = """
[{from: input, with: a, to: x}, {from: x, with: [b, a], to: y}, {from: y, @]
  network.graph.1.with: layer `a` is used twice. Layers do not share weights: write a second one under another name.
[{from: input, with: a, to: x}, {from: input, with: b, to: x}, {from: x, @]
  network.graph.1: the name `x` is used twice: network.graph.0 makes a tensor of this name.
[{from: x, with: a, to: x}, {from: input, @]
  network.graph.0: tensor `x` would be made of itself. Give `to` another name.
[{from: inptu, with: a, to: x}, {from: input, @]
  network.graph.0: nothing makes the tensor `inptu`. Did you mean `input`?
{from: input, with: [a, pol], to: output}
  network.graph.with: there is no layer `pol`. Did you mean `pool`?
{from: input, with: [pool, flat, logits], to: out}
  network.graph: no connection makes the output `output`.
[{from: input, with: a, to: x}, {from: x, with: b, to: input}, {from: x, @]
  network.graph.1: `input` is what comes in; nothing can make it. Give `to` another name.
{from: [input, input], @
  network.graph: layer `pool` takes one tensor, as its type is average_pool. Received: `input`, `input`. Join them by
{from: input, with: [sum, pool, flat, logits], to: output}
  network.graph: layer `sum` joins tensors: `from` must be a list of two or more, just before.
[{from: input, with: a, to: [x, y]}, {from: x, @]
  network.graph.0: layer `a` makes one tensor. Received: `x`, `y`.
[{from: [input, input], to: x}, {from: x, @]
  network.graph.0: without a layer, `from` and `to` are names for the same tensors. Received: 2 and 1 of them; join
[{from: input}, {from: input, @]
  network.graph.0.to: expected the name of a tensor, as no layer gives it one.
{form: input, with: a, to: output}
  network.graph.form: unknown setting. Did you mean `from`?
{with: a, to: output}
  network.graph.from: expected NAMES Received: None.
{from: input, with: _a, to: output}
  network.graph.with: expected NAMES Received: '_a'.
{from: [], with: a, to: output}
  network.graph.from: expected a name or a list of names. Received: [].
[a]
  network.graph.0: expected a mapping of `from`, `with` and `to`. Received: 'a'.
[]
  network.graph: expected a connection {from: ..., with: ..., to: ...} or a list of them. Received: [].
{from: input, with: ^(what), to: output}
  network.graph.with: `^(what)` names no argument. Known: num_classes.
{from: input, with: [pool], to: output}
  network.graph: the output `output` must be (b, num_classes=3). Received: shape=(None, 1, 1, 4).
"""


@pytest.mark.parametrize(("graph", "message"), table(CONNECTIONS))
def test_wrong_connections(graph, message):
    full = graph.replace("@", "with: [pool, flat, logits], to: output}")
    refused(message.replace("NAMES", NAMES), LAYERS, f"  {full}")


def test_a_circle_names_its_tensors():
    graph = "  [{from: [input, y], with: sum, to: x}, {from: x, with: a, to: y}, {from: y, with: logits, to: output}]"
    with pytest.raises(ConfigError, match=r"network.graph.[01]: .* in a circle: `([xy])` -> `[xy]` -> `\1`\."):
        described(LAYERS, graph)


def test_ends_that_do_not_hang_together_are_told_with_what_does():
    layers = f"""
  two:
    type: module
    inputs: [a, b]
    layers: {{one: {{type: identity}}, other: {{type: identity}}}}
    graph: [{{from: a, with: one, to: output}}, {{from: b, with: other, to: lost}}]{HEAD}"""
    graph = "  [{from: [input, input], with: two, to: x}, {from: x, with: [pool, flat, logits], to: output}]"
    reached = "`b` does not reach `output`. These hang together: `a`, `output` and `b`, `lost`."
    refused(f"network.layers.two.graph: {reached}", layers, graph)


BLOCK = """
  _block: &block
    type: module
    kwargs: {filters: null, after: conv}
    layers: {conv: {type: convolution, filters: ^(filters), kernel_size: 1}}
    graph: [{from: input, with: conv}, {from: ^(after), to: output}]
"""
MODULES = """
{<<: *block, filter: 3}
  .filter: unknown setting. Did you mean `filters`?
{<<: *block}
  .layers.conv: `filters` must be given.
{<<: *block, filters: 3, after: con}
  .graph.1: nothing makes the tensor `con` in module `it`. Did you mean `conv`?
{<<: *block, filters: ^(filtres)}
  .filters: `^(filtres)` names no argument. Known: num_classes.
{<<: *block, kwargs: [filters]}
  .kwargs: expected a mapping of names to defaults. Received: ['filters'].
{<<: *block, kwargs: {graph: 1}}
  .kwargs: `graph` cannot be the name of an argument.
{<<: *block, filters: 3, layers: {}}
  .layers: expected a mapping of names to layers, at least one. Received: {}.
{<<: *block, filters: 3, graph: null}
  .graph: expected a connection {from: ..., with: ..., to: ...} or a list of them. Received: None.
{type: module, kwargs: {n: [1]}, layers: {a: {type: identity}}, graph: {from: input, with: a^(n), to: output}}
  .graph.with: `^(n)` stands in a text and must be text or a number. Received: [1].
"""


@pytest.mark.parametrize(("use", "message"), table(MODULES))
def test_wrong_modules(use, message):
    with pytest.raises(ConfigError, match=re.escape(f"network.layers.it{message}")):
        chain(f"{BLOCK}  it: {use}", "it")


def test_a_module_gets_as_many_tensors_as_it_takes():
    with pytest.raises(
        ConfigError, match=re.escape("network.graph: module `it` takes 2 (`a`, `b`). Received: `input`.")
    ):
        chain(f"{BLOCK}  it: {{<<: *block, filters: 3, inputs: [a, b]}}", "it")


def test_modules_without_end_are_refused():
    spec: dict = {"type": "module", "graph": {"from": "input", "with": "again", "to": "output"}}
    spec["layers"] = {"again": spec}
    with pytest.raises(ConfigError, match="modules stand in each other at most 30 deep"):
        Expansion("network", {"again": spec}, spec["graph"], ("input", "output"), {})


def test_more_layers_than_any_network_has_are_refused():
    graph = [{"from": f"x{place - 1}" if place else "input", "to": f"x{place}"} for place in range(20_001)]
    config = yaml_graph.Config(layers={"a": {"type": "flatten"}}, graph=graph)
    with pytest.raises(ConfigError, match=r"network.graph.20000: a network has at most 20000 layers and names\."):
        yaml_graph.build(config, images(4, 4, 3))


def test_two_layers_of_one_name_are_refused():
    layers = f"""
  a:
    type: module
    layers: {{b: {{type: identity}}}}
    graph: {{from: input, with: b, to: output}}
  a_b: {{type: identity}}{HEAD}"""
    message = "network.layers.a_b: the name `a_b` is used twice: network.layers.a.layers.b makes a layer of this name."
    refused(message, layers, "  {from: input, with: [a, a_b, pool, flat, logits], to: output}")


# @ stands for a convolution.
WRONG = """
{type: conv2d}
  .type: unknown type `conv2d`. It is called `convolution` here.
{type: Dense}
  .type: unknown type `Dense`. It is called `fully_connected` here.
{type: convolutoin}
  .type: unknown type `convolutoin`. Did you mean `convolution`
{filters: 3}
  .type: expected the type of the layer. Known: activation, add, average_pool,
{type: [1]}
  .type: unknown type `[1]`.
3
  : expected a mapping of settings. Received: 3.
{type: convolution, kernel_sise: 3}
  .kernel_sise: unknown setting. Did you mean `kernel_size`?
{type: convolution, num_outputs: 3}
  .num_outputs: unknown setting. It is called `filters` here.
{type: fully_connected, num_outputs: 3}
  .num_outputs: unknown setting. It is called `units` here.
{type: max_pool, kernel_size: 3}
  .kernel_size: unknown setting. It is called `pool_size` here.
{type: depthwise_convolution, kernel_size: 3, kernel_initializer: zeros}
  .kernel_initializer: unknown setting. It is called `depthwise_initializer` here.
{type: dropout, keep_prob: 0.9}
  .keep_prob: unknown setting. Give what is dropped as `rate`, which is 1 - keep_prob.
{type: convolution, overrider: {}}
  .overrider: unknown setting. Layers do not say how they are compressed: `compressor` does, by rules that name layers.
{type: convolution, kernel_size: 3}
  : `filters` must be given.
{type: convolution, filters: 3}
  : `kernel_size` must be given.
{type: fully_connected}
  : `units` must be given.
{type: activation}
  : `activation` must be given.
{@, filters: 0}
  .filters: expected a whole number from 1 to 16777216. Received: 0.
{@, filters: true}
  .filters: expected a whole number from 1 to 16777216. Received: True.
{@, kernel_size: [1, 2, 3]}
  .kernel_size: expected a whole number of at least 1, or two of them: [rows, columns]. Received: [1, 2, 3].
{@, padding: SAME}
  .padding: expected "same", "valid", or numbers of pixels. Received: 'SAME'.
{type: pad, padding: -1}
  .padding: expected pixels on all sides, [rows, columns], or [[top, bottom], [left, right]]. Received: -1.
{type: max_pool, pool_size: all}
  .pool_size: expected a whole number, two of them (null for all rows or columns), or "global". Received: 'all'.
{type: max_pool, pool_size: global, strides: 2}
  : with pool_size "global" there is one window: leave `strides` and `padding` out.
{type: dropout, rate: 1}
  .rate: expected a number from 0 to below 1. Received: 1.
{type: squeeze, axis: 0}
  .axis: expected an axis or a list of axes, the batch (0) not among them. Received: 0.
{type: squeeze, axis: 7}
  .axis: expected different axes from 1 to 3. Received: axis=[7].
{type: squeeze, axis: 1}
  .axis: only axes of length 1 can be taken out. Received: axis=[1] for shape=(None, 8, 8, 4).
{type: concat, axis: 0}
  .axis: expected an axis, not that of the batch (0). Received: 0.
{type: local_response_normalization, bias: 0}
  .bias: expected a number above 0. Received: 0.
{@, dtype: float8}
  .dtype: expected 'float32', 'bfloat16', 'float16', 'mixed_bfloat16' or 'mixed_float16'. Received: 'float8'.
{@, batch_normalization: true}
  .batch_normalization: expected a mapping of settings; {} for the defaults. Received: True.
{@, batch_normalization: {decay: 0.9}}
  .batch_normalization.decay: unknown setting. It is called `momentum` here.
{@, batch_normalization: {momentum: 1}}
  .batch_normalization.momentum: expected a number from 0 to below 1. Received: 1.
{@, filters: 6, groups: 3}
  .groups: must divide the channels before and after. Received: groups=3 with 4 before and filters=6.
{@, filters: 16777216, kernel_size: 16777216}
  : its kernel would have 18889465931478580854784 numbers, more than 2147483648.
{@, kernel_size: 9}
  : a layer of type convolution cannot stand on (None, 8, 8, 4):
{type: fully_connected, units: 3}
  : a fully connected layer takes features (b, d); put a layer of type flatten before it.
{@, kernel_initializer: he_normall}
  .kernel_initializer: `he_normall` is not an initializer of Keras. Did you mean `he_normal`
{@, kernel_initializer: tensorflow.truncated_normal_initializer}
  .kernel_initializer: `tensorflow.truncated_normal_initializer` is not an initializer of Keras. Did you mean
{@, kernel_initializer: os.system}
  .kernel_initializer: `os.system` is not an initializer of Keras.
{@, kernel_initializer: {name: constant, valeu: 1}}
  .kernel_initializer: `constant` does not take these settings:
{@, kernel_initializer: {name: constant, value: {a: 1}}}
  .kernel_initializer.value: expected a number or a text. Received: {'a': 1}.
{@, kernel_initializer: {module: os, class_name: system}}
  .kernel_initializer: expected a name, or a mapping of `name` and settings, or of `class_name` and `config`. Received:
{@, kernel_initializer: {class_name: Zeros, config: 3}}
  .kernel_initializer: expected a name, or a mapping of `name` and settings, or of `class_name` and `config`. Received:
{@, bias_initializer: null}
  .bias_initializer: expected the name of an initializer. Received: null.
{@, kernel_regularizer: l3}
  .kernel_regularizer: `l3` is not a regularizer of Keras. Did you mean
{type: activation, activation: rellu}
  .activation: `rellu` is not an activation of Keras. Did you mean `relu`
{type: activation, activation: {name: tanh, slope: 1}}
  .activation: the activation `tanh` takes no settings. Received: {'slope': 1}.
{type: activation, activation: {name: elu, slope: 1}}
  .activation: `elu` does not take these settings:
{type: space_to_depth, block_size: 3}
  .block_size: must divide rows and columns, whose number must be known. Received: block_size=3 for
{type: hadamard_convolution, kernel_size: 1, filters: 2}
  .filters: channels must be a power of two, and at least as many after as before. Received: 4 before, filters=2.
{type: gated_convolution, filters: 3, kernel_size: 1}
  .batch_normalization: a gated convolution needs a normalization that scales and centers: saliencies take the place of
{type: gated_convolution, filters: 3, kernel_size: 1, gate: {density: 0}}
  .gate.density: expected a number above 0, at most 1. Received: 0.
{type: gated_convolution, filters: 3, kernel_size: 1, gate: {strength: -1}}
  .gate: `strength` must be at least 0. Received: strength=-1.0.
"""


@pytest.mark.parametrize(("layer", "message"), table(WRONG))
def test_wrong_layers(layer, message):
    settings = yaml.safe_load(layer.replace("{@", "{<<: &conv {type: convolution, filters: 3, kernel_size: 1}"))
    tail = yaml.safe_load(HEAD)
    graph = {"from": "input", "with": ["it", "pool", "flat", "logits"], "to": "output"}
    config = yaml_graph.Config(num_classes=3, layers={"it": settings, **tail}, graph=graph)
    with pytest.raises(ConfigError, match=re.escape(f"network.layers.it{message}")):
        yaml_graph.build(config, images(8, 8, 4))


def test_a_split_ends_a_chain():
    message = "network.graph: layer `it` splits a tensor: it must be the last, and `to` a list of names."
    with pytest.raises(ConfigError, match=re.escape(message)):
        chain("  it: {type: split}", "it")


def test_channels_that_cannot_be_split_are_refused():
    graph = "  [{from: input, with: it, to: [x, y, z]}, {from: x, with: [pool, flat, logits], to: output}]"
    message = (
        "network.layers.it: images can be split where `to` names a divisor of their channels. Received: 3 names for"
    )
    refused(message, f"  it: {{type: split}}{HEAD}", graph)


def test_layers_that_no_connection_uses_are_looked_at_too():
    layers = f"  unused: {{type: convolution, filtres: 3}}{HEAD}"
    message = "network.layers.unused.filtres: unknown setting. Did you mean `filters`?"
    refused(message, layers, "  {from: input, with: [pool, flat, logits], to: output}")


def test_names_that_cannot_be_are_refused():
    layers = f"  a/b: {{type: identity}}{HEAD}"
    refused(f"network.layers: expected {NAMES} Received: 'a/b'.", layers, "  {from: input, with: logits, to: output}")


def test_a_side_that_is_not_known_is_refused_where_it_is_needed():
    message = "network.layers.it.pool_size: null takes all rows or columns, whose number is not known here."
    with pytest.raises(ConfigError, match=re.escape(message)):
        chain("  it: {type: max_pool, pool_size: [null, 2]}", "it", (None, None, 4))
    layers = f"  it: {{type: squeeze, axis: 3}}{HEAD}"
    message = "network.layers.it: at most one length but the batch may be unknown. Received: [None, None]."
    refused(message, layers, "  {from: input, with: [it, flat, logits], to: output}", shape=(None, None, 1))


def test_inputs_of_another_kind_are_refused():
    with pytest.raises(ConfigError, match="yaml_graph: `inputs` must be images"):
        yaml_graph.build(yaml_graph.Config(), keras.Input((5,)))


def test_mistakes_are_told_before_keras_is_loaded():
    assert heavy_modules_after("import source.network._yaml_graph_check") == []
    with pytest.raises(ConfigError, match="expected a mapping of names to layers"):
        check({"layers": {}, "graph": None})
    layers = yaml.safe_load(HEAD)
    check({"layers": layers, "graph": {"from": "picture", "with": list(layers), "to": "output"}, "input": "picture"})
    with pytest.raises(
        ConfigError, match=r"network\.layers\.pool\.pol_size: unknown setting. Did you mean `pool_size`"
    ):
        check({"layers": {**layers, "pool": {"type": "max_pool", "pol_size": 2}}, "graph": {"from": "input"}})


def test_nothing_at_all_is_refused():
    with pytest.raises(ConfigError, match=r"network\.layers: expected a mapping of names to layers, at least one"):
        yaml_graph.build(yaml_graph.Config(), images(4, 4, 3))


VALUES = [
    None,
    True,
    0,
    -1,
    2,
    1e308,
    "",
    "x",
    "ü☃",
    "^(filters)",
    "^(",
    "os.system",
    [],
    {},
    [[1, 2], [3]],
    {"name": "x"},
]


def test_mutated_descriptions_end_in_nodes_or_a_clean_error():
    clean = 0
    for seed in range(300):
        chance = random.Random(seed)
        tail = yaml.safe_load(f"{BLOCK}  it: {{<<: *block, filters: 3}}{HEAD}")
        graph = [{"from": "input", "with": ["it", "pool", "flat", "logits"], "to": "output"}]
        settings = json.loads(json.dumps({"layers": tail, "graph": graph}))  # without what YAML shares
        holder, key = chance.choice([place for place in places(settings) if place[0] is not settings])
        holder[key] = chance.choice(VALUES)
        try:
            check(settings)
        except ConfigError as error:
            clean += str(error).startswith("network.")
        else:
            clean += 1
    assert clean == 300


def places(value):
    """Yields every mapping or list in a value with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])
