"""Tests of profiles: published tables to the digit, and three forms that say the same."""

import csv
import io
import json

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.compressor.build import compressor
from source.config.errors import ConfigError
from source.exporter.cost_profile import profile
from tests.graph.networks_to_count import lmnet_v1


@pytest.fixture(scope="module")
def lmnet():
    return profile(lmnet_v1(), bits=1)


def small():
    inputs = keras.Input((4, 4, 1))
    inner = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 1, name="conv")], name="inner")
    x = layers.Flatten(name="flat")(inner(inputs))
    return keras.Model(inputs, layers.Dense(3, name="head")(x), name="small")


def cells(text, name):
    [line] = [
        line for line in text.splitlines() if line.replace("*", "").replace("&nbsp;", "").startswith(f"| {name} ")
    ]
    return [each.strip(" *") for each in line.strip("|").split("|")][1:]


def test_the_head_of_the_table_is_that_of_lmnet(lmnet):
    lines = lmnet.to_markdown().splitlines()
    assert lines[:4] == ["# LmnetV1", "", "* Image size: {height: 32, width: 32}", "* Number of class: 10"]
    assert lines[5].startswith("| Name | Param | Size (MB) | 1 bits Quant Size (MB) | FLOPs (m) | MACs (m) |")
    assert lines[6] == "| :-- | --: | --: | --: | --: | --: | --: | --: | --: |"


def test_the_sums_are_those_that_lmnet_publishes(lmnet):
    assert (
        lmnet.to_markdown()
        .splitlines()[7]
        .startswith("| **total** | **717226** | **2.736** | **0.08908** | **267.08005** | **133.53984** |")
    )
    values = lmnet.to_dict()
    assert values["flops"]["total_flops"] == 267_080_050
    parameters = values["parameters"]
    assert (parameters["total_parameters"], parameters["total_size"]) == (717_226, 717_226 * 32)
    assert (parameters["quant_bit"], parameters["total_quant_size"]) == (1, 716_256 + 970 * 32)


def test_rows_are_nested_and_bold_to_the_first_level():
    lines = profile(small()).to_markdown().splitlines()[8:]
    assert [line.split(" | ")[0] for line in lines] == [
        "| **inner**",
        "| &nbsp;&nbsp;inner/conv",
        "| &nbsp;&nbsp;&nbsp;&nbsp;inner/conv/kernel",
        "| &nbsp;&nbsp;&nbsp;&nbsp;inner/conv/bias",
        "| **head**",
        "| &nbsp;&nbsp;head/kernel",
        "| &nbsp;&nbsp;head/bias",
    ]
    # 32 products and as many additions, 32 numbers of bias; 128 bytes out, 4 parameters.
    assert cells("\n".join(lines), "inner/conv") == [
        "4",
        "0.00002",
        "0.00001",
        "0.0001",
        "0.00003",
        "0.03277",
        "128",
        "16",
    ]


def test_scopes_without_parameters_have_dashes(lmnet):
    assert cells(lmnet.to_markdown(), "pool7") == ["-", "-", "-", "0.00016", "-", "-", "40", "0"]


def test_csv_and_json_hold_every_layer():
    made = profile(small())
    rows = list(csv.DictReader(io.StringIO(made.to_csv())))
    assert [row["name"] for row in rows] == ["inner/conv", "flat", "head"]
    assert (rows[0]["macs"], rows[0]["output_shape"], rows[0]["weight_bits"]) == ("32", "4x4x2", "32")
    values = json.loads(made.to_json())
    assert [layer["name"] for layer in values["layers"]] == ["inner/conv", "flat", "head"]
    assert values["totals"]["macs"] == 32 + 96 == sum(layer["macs"] for layer in values["layers"])
    [conv] = values["parameters"]["children"][0]["children"]
    assert [(leaf["name"], leaf["is_quant_kernel"]) for leaf in conv["children"]] == [
        ("inner/conv/kernel", True),
        ("inner/conv/bias", False),
    ]


def test_what_has_no_rule_is_marked_and_named():
    inputs = keras.Input((3,))
    made = profile(keras.Model(inputs, layers.Lambda(ops.tanh, name="own")(inputs), name="free"))
    assert cells(made.to_markdown(), "own") == ["-", "-", "-", "?", "?", "?", "12", "0"]
    assert made.to_markdown().endswith("\nNot counted, for want of a rule: own.\n")
    assert "* Input: (None, 3)" in made.to_markdown()
    assert made.to_csv().splitlines()[1] == "own,Lambda,1,3,0,0,,0,,,,3,32.0,12"


def test_a_prepared_model_has_the_bytes_of_its_report():
    inputs = keras.Input((6,))
    layer = layers.Dense(50, name="dense")
    model = keras.Model(inputs, layer(inputs))
    layer.kernel.assign(np.arange(300).reshape(6, 50) / 300)
    tool = compressor("magnitude_pruning", sparsity=0.9, schedule="one_shot")
    prepared = tool.prepare(model)
    [row] = [row for row in tool.report(prepared).rows if row.weight == "kernel"]
    [kernel, _] = profile(prepared).to_dict()["layers"][0]["weights"]
    assert (kernel["bytes"], kernel["kept"]) == (row.bytes, row.kept)


@pytest.mark.parametrize("bits", [0, 33])
def test_other_widths_are_refused(bits):
    with pytest.raises(ConfigError, match=rf"`bits` must be in \[1, 32\]\. Received: bits={bits}\."):
        profile(small(), bits=bits)
