"""Tests of the networks that are shipped as recipes: parameters and MACs, names of layers, and what their page says."""

import dataclasses
import re
from typing import Any

import keras
import pytest

from source.config.recipe.recipe import Recipe
from source.config.recipe.tree import plain
from source.graph.cost import cost
from source.network import _yaml_graph_settings as settings
from source.network import _yaml_graph_types as types
from source.network import cifarnet, lenet5, resnet18, yaml_graph
from tests.architecture.sources import ROOT
from tests.network.counting import images, multiplications, total, trainable

PAGE = (ROOT / "docs" / "yaml_networks.md").read_text(encoding="utf-8")
# More than 3 s to build.
LONG = {
    "alexnet",
    "inception_v1",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v2_symmetric",
    "nasnet_mobile",
    "resnet18",
    "resnet50",
    "resnet50_v15",
    "vgg16",
    "vgg16_bn",
}


def rows(first: str) -> list[list[str]]:
    """Returns the cells of the table whose rows begin with a text in back quotes."""
    lines = [line for line in PAGE.splitlines() if line.startswith(first)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


SHIPPED = {row[0][len("`network/") : -len(".yaml`")]: row for row in rows("| `network/")}


def recipe(name: str) -> dict[str, Any]:
    reader = Recipe()
    reader.add_file(f"network/{name}.yaml")
    return plain(reader.resolved())


def build(name: str, classes: int) -> keras.Model:
    """Returns the network with weights of zero, which no time goes into drawing."""
    read = recipe(name)
    given = {key: value for key, value in without_initializers(read["network"]).items() if key != "name"}
    size = (read["image_height"], read["image_width"], read["image_depth"])
    return yaml_graph.build(yaml_graph.Config(num_classes=classes, **given), images(*size))


def without_initializers(value: Any) -> Any:
    if isinstance(value, list):
        return [without_initializers(each) for each in value]
    if not isinstance(value, dict):
        return value
    plain_ones = {key: without_initializers(each) for key, each in value.items() if not key.endswith("_initializer")}
    kind = value.get("type")
    if kind in ("convolution", "fully_connected"):
        return {**plain_ones, "kernel_initializer": "zeros"}
    return {**plain_ones, "depthwise_initializer": "zeros"} if kind == "depthwise_convolution" else plain_ones


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in SHIPPED]
)
def test_a_shipped_network_has_the_published_counts(name):
    _, _, size, classes, parameters, macs = (cell.replace(",", "") for cell in SHIPPED[name])
    model = build(name, int(classes))
    costs = cost(model)
    assert trainable(model) == costs.total("parameters") == int(parameters)
    assert multiplications(model) == costs.total("macs") == int(macs)
    assert costs.unknown == ()
    assert size == "x".join(map(str, model.input_shape[1:]))
    assert model.output_shape == (None, int(classes))
    assert all(isinstance(operation, keras.Layer) for operation in model.operations)
    assert '"source.' not in model.to_json()
    assert any(layer.name == "logits" for layer in model.layers)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_opens_with_what_it_is_its_paper_and_its_counts(name):
    text = (ROOT / "source" / "recipe" / "network" / f"{name}.yaml").read_text(encoding="utf-8")
    comment = text.partition("\nname:")[0].replace("\n#", "")
    _, paper, size, classes, parameters, macs = SHIPPED[name]
    assert f"{size.replace('x', ' x ')}, {classes} classes" in comment
    assert f"{parameters} parameters, {macs} MACs." in comment
    assert re.search(r"\((.*)\)", paper)[1] in comment


@pytest.mark.parametrize("plugin", [lenet5, cifarnet, pytest.param(resnet18, marks=pytest.mark.slow)])
def test_a_network_that_is_a_plugin_too_is_the_same(plugin):
    name = plugin.__name__.rpartition(".")[2]
    read = recipe(name)
    size = (read["image_height"], read["image_width"], read["image_depth"])
    given = {key: value for key, value in read["network"].items() if key != "name"}
    ours = yaml_graph.build(yaml_graph.Config(num_classes=7, **given), images(*size))
    theirs = plugin.build(plugin.Config(num_classes=7), images(*size))
    assert total(ours) == total(theirs)
    assert described(ours) == described(theirs)


def described(model: keras.Model) -> dict[str, Any]:
    """Returns the settings of all layers by name, and what feeds them."""
    found = {}
    for entry in model.get_config()["layers"]:
        config = {key: value for key, value in entry["config"].items() if key not in ("keepdims", "dtype")}
        for value in config.values():
            if isinstance(value, dict):
                value.get("config", {}).pop("seed", None)
        feeds = re.findall(r"'keras_history': \['(\w+)'", str(entry["inbound_nodes"]))
        found[entry["name"]] = (entry["class_name"], config, feeds)
    return found


def test_the_page_lists_every_type_with_its_settings():
    common = {field.name for field in dataclasses.fields(settings.Linear)}
    documented: dict[str, set[str]] = {}
    table = PAGE.partition("## Types of layers")[2].partition("\n## ")[0]
    for kinds, text in re.findall(r"^\| (`[^|]*) \|([^|]*)\|", table, re.MULTILINE):
        names = set(re.findall(r"`(\w+)`", text)) | (common if "+" in text else set())
        documented.update(dict.fromkeys(re.findall(r"`(\w+)`", kinds), names))
    documented["gated_convolution"] = documented["convolution"] | {"gate"}
    documented.pop("module")
    assert documented == {kind: {f.name for f in dataclasses.fields(cls)} for kind, cls in types.TYPES.items()}
