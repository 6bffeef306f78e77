"""Tests of reports: numbers that are kept, bits, bytes and noise, worked out by hand."""

import json
import math

import keras
import numpy as np
import pytest
from keras import layers

from source.compressor.report import Report, of_model
from source.layer.fake_quantize import FakeQuantize
from source.layer.mask import Mask
from source.surgery.rewrite import rewrite
from source.surgery.wrap import wrapped
from tests.layer.kinds import Half, made

KERNEL = np.array([[1.0, -2.0, 0.5, 3.0], [0.25, 4.0, -1.0, 0.0]], np.float32)


def report(*chain, outputs=()) -> Report:
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Dense(4, name="it")(inputs), name="model")
    model.get_layer("it").kernel.assign(KERNEL)
    prepared = rewrite(model, lambda layer: wrapped(layer, weights={"kernel": chain}, outputs=outputs))
    for each in chain:
        if isinstance(each, Mask):
            each.kept.assign(np.abs(KERNEL) >= 1.0)
    return of_model(prepared, lambda layer, path, variable: f"reason of {path}")


def test_a_weight_under_a_mask():
    [row, bias] = report(Mask("TOPK{0.5}")).rows
    # Five of eight numbers are left, 4 bytes each, and a bit for each of the eight; that is less than 8 * 4 bytes.
    assert (row.layer, row.weight, row.shape, row.numbers, row.kept) == ("it", "kernel", (2, 4), 8, 5)
    assert row.bytes == 5 * 4 + 1 and row.bits == 8.0 * 21 / 8 and row.sparsity == 3 / 8
    signal, noise = float(np.square(KERNEL).sum()), 0.5**2 + 0.25**2
    assert row.sqnr_db == pytest.approx(10.0 * math.log10(signal / noise), rel=1e-12)
    assert row.compressed and row.how.startswith("TOPK")
    assert (bias.weight, bias.how, bias.compressed, bias.bytes, bias.kept) == ("bias", "reason of bias", False, 16, 0)
    assert bias.bits == 32.0 and bias.sqnr_db == math.inf


def test_a_weight_in_few_bits():
    [row, _] = report(FakeQuantize("fixed<4,3>")).rows
    assert row.bytes == 8 * 4 // 8 and row.bits == 4.0
    [row, _] = report(FakeQuantize("int8<channel>")).rows
    assert row.bytes == 8 + 4 * 4  # a float32 scale for each of four channels


def test_a_pruned_weight_in_few_bits():
    [row, _] = report(Mask("TOPK{0.5}"), FakeQuantize("fixed<8,4>")).rows
    assert row.bytes == 5 + 1 and row.how.count(" > ") == 1
    # An index does not pay for 2 bits: 8 * 2 bits without it.
    [row, _] = report(Mask("TOPK{0.5}"), FakeQuantize("fixed<2,4>")).rows
    assert row.bytes == 2


def test_an_unchanged_weight_has_no_noise_and_its_own_bytes():
    [row, _] = report(FakeQuantize("SAME")).rows
    assert row.sqnr_db == math.inf and row.bytes == 32 and row.bits == 32.0


def test_totals_and_activations():
    found = report(Mask("TOPK{0.5}"), outputs=[Half(), FakeQuantize("int8")])
    assert found.activations == {"it output": "output_half > int8"}
    assert found.totals() == {
        "numbers": 12,
        "kept": 5,
        "sparsity": 1 - 5 / 12,
        "bits": 8.0 * 37 / 12,
        "bytes": 37,
        "float32_bytes": 48,
        "ratio": 48 / 37,
    }


def test_an_empty_report_has_totals():
    assert Report((), {}).totals()["ratio"] == 0.0 and Report((), {}).totals()["sparsity"] == 1.0


def test_plain_values_hold_no_infinity():
    found = report(FakeQuantize("SAME")).to_dict()
    assert found["rows"][0]["sqnr_db"] is None and found["rows"][0]["shape"] == [2, 4]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_tables_are_read_by_people():
    found = report(Mask("TOPK{0.5}"), outputs=[FakeQuantize("int8")])
    text = str(found)
    assert text.splitlines()[0].split() == [
        "layer",
        "weight",
        "shape",
        "kept",
        "sparsity",
        "bits",
        "bytes",
        "sqnr_db",
        "how",
    ]
    assert "it           kernel  2x4    5     37.50%    21.000  21" in text
    assert "not compressed: it bias: reason of bias" in text
    assert text.splitlines()[-1].startswith("it output: ")
    lines = found.to_markdown().splitlines()
    assert lines[0].startswith("| layer | weight | shape |") and lines[1].startswith("| --- | --- |")
    assert lines[2].startswith("| it | kernel | 2x4 | 5 | 37.50% | 21.000 | 21 | 20.")
    assert lines[-1].endswith("| 1.30 times smaller |")


def test_random_states_are_no_weights():
    rows = of_model(made("gru_dropout"), lambda *_: "plain").rows
    assert [row.weight for row in rows if row.layer == "it"] == [
        "gru_cell/kernel",
        "gru_cell/recurrent_kernel",
        "gru_cell/bias",
    ]


def test_layers_of_nested_models_are_listed():
    assert {row.layer for row in of_model(made("nested"), lambda *_: "plain").rows} == {"deep", "norm", "low"}
