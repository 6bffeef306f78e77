"""Tests of formats that differ from layer to layer."""

import keras
import numpy as np
import pytest
from keras import layers

from source.compressor._sensitivity import Measure, greedy
from source.compressor.build import compressor
from source.config.errors import ConfigError, EspalierError
from source.layer.load_model import load_model
from tests.layer.kinds import equal

IMAGES = np.random.default_rng(0).normal(size=(40, 6, 6, 3)).astype(np.float32)
THREE = ("int8<channel>", "int4<channel>", "int2<channel>")


def images() -> keras.Model:
    """Returns `conv` with `norm`, a residual sum with `depthwise`, `pool` and `dense`; 216, 72 and 32 weights."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    x = layers.Add(name="sum")([x, layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(4, name="dense")(x))


def mixed(**more):
    return compressor("mixed_precision", **{"candidates": THREE, **more})


def formats(compressed, prepared) -> dict[str, str]:
    return {row.layer: row.how for row in compressed.report(prepared).compressed}


# Each search begins with these: codes of 8 bits and 8, 8 and 4 scales of 4 bytes.
WIDEST = (216 + 32) + (72 + 32) + (32 + 16)
NARROWEST = (54 + 32) + (18 + 32) + (8 + 16)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return images()


def test_greed_takes_the_least_loss_for_what_is_saved():
    losses = {(0, 1): 3.0, (0, 2): 13.0, (1, 1): 1.0, (1, 2): 2.0, (2, 1): 50.0}
    found = greedy("abc", ["8", "4", "2"], [[80, 40, 20], [80, 40, 20], [8, 4, 2]], 5, 90,
                   lambda layer, level: losses.get((layer, level), 0.0))  # fmt: skip
    # b: 1/40 and then 1/20; a: 3/40, which comes between the two in size; the last step meets the budget.
    assert found.choices == {"a": "4", "b": "2", "c": "8"}
    assert found.cost == 40 + 20 + 8 + 5 and found.least == 20 + 20 + 2 + 5
    # The third format of `a` is measured once its second is taken, and there was a step to take after that.
    assert found.losses["b"] == {"8": 0.0, "4": 1.0, "2": 2.0}
    assert found.losses["c"] == {"8": 0.0, "4": 50.0}


def test_formats_that_save_nothing_are_passed_over():
    found = greedy("ab", ["8", "6", "4"], [[10, 10, 5], [3, 3, 3]], 0, 8, lambda layer, level: 0.0)
    assert found.choices == {"a": "4", "b": "8"}


def test_of_equal_prices_the_earlier_layer_is_lowered():
    found = greedy("ab", ["8", "4"], [[10, 5], [10, 5]], 0, 15, lambda layer, level: float(level))
    assert found.choices == {"a": "4", "b": "8"}


def test_losses_are_noise_over_signal_and_divergence():
    reference, first, second = (
        keras.Sequential([keras.Input((2,)), layers.Dense(2, use_bias=False, name="a")]) for _ in range(3)
    )
    for each, kernel in ((reference, [[1, 0], [0, 1]]), (first, [[1, 0], [0, 1]]), (second, [[2, 0], [0, 1]])):
        each.set_weights([np.array(kernel, np.float32)])
    x = np.array([[3.0, 4.0]], np.float32)
    measure = Measure(reference, [first, second], x, "sqnr")
    assert measure.loss("a", 0) == 0.0
    assert measure.loss("a", 1) == 9.0 / 25.0
    assert equal(first.get_weights(), [np.eye(2, dtype=np.float32)])
    p, q = (np.exp(each) / np.exp(each).sum() for each in (np.array([3.0, 4.0]), np.array([6.0, 4.0])))
    divergence = Measure(reference, [first, second], x, "kl").loss("a", 1)
    assert divergence == pytest.approx((p * np.log(p / q)).sum(), rel=1e-9)  # float64
    shares = Measure(reference, [first, second], np.array([[0.25, 0.75]], np.float32), "kl")
    assert shares.loss("a", 0) == 0.0  # shares are taken as they are, their softmax is not


def test_a_budget_in_bytes_is_met(model):
    for budget in (WIDEST, WIDEST - 1, 300, NARROWEST):
        found = mixed(budget_bytes=budget)
        prepared = found.prepare(model, IMAGES)
        rows = found.report(prepared).compressed
        assert sum(row.bytes for row in rows) == found.found.cost <= budget
        assert found.found.least == NARROWEST
        assert formats(found, prepared) == found.found.choices
    assert set(formats(found, prepared).values()) == {"int2<channel>"}
    assert formats(mixed(budget_bytes=WIDEST), mixed(budget_bytes=WIDEST).prepare(model, IMAGES)) == dict.fromkeys(
        ("conv", "depthwise", "dense"), "int8<channel>"
    )


def test_a_search_finds_the_same_again(model):
    first, second = mixed(budget_bytes=300), mixed(budget_bytes=300)
    first.prepare(model, IMAGES), second.prepare(model, IMAGES)
    assert first.found == second.found


def test_a_layer_that_bears_less_stays_wide():
    # The first layer's outputs are multiplied by nothing: it can be as coarse as it wants.
    inputs = keras.Input((8,))
    last = layers.Dense(8, name="last")
    model = keras.Model(inputs, [last(inputs), layers.Dense(8, kernel_initializer="zeros", name="none")(
        layers.Dense(8, name="first")(inputs))])  # fmt: skip
    found = mixed(budget_bytes=230)
    found.prepare(model, np.random.default_rng(1).normal(size=(20, 8)).astype(np.float32))
    assert found.found.choices["last"] == "int8<channel>"
    assert found.found.choices["first"] != "int8<channel>"


def test_a_budget_in_bit_operations_is_met(model):
    # 36 positions; images of 8 bits enter `conv`; 8 bits enter the others too, whatever the weights have.
    counts = {"conv": 36 * 216, "depthwise": 36 * 72, "dense": 32}
    bits = {"int8<channel>": 8, "int4<channel>": 4, "int2<channel>": 2}
    found = mixed(budget_bit_operations=400_000)
    found.prepare(model, IMAGES)
    expected = sum(counts[name] * bits[text] * 8 for name, text in found.found.choices.items())
    assert found.found.cost == expected <= 400_000 < sum(counts.values()) * 64
    assert found.found.least == sum(counts.values()) * 2 * 8


def test_bits_of_activations_are_those_that_enter(model):
    # `conv` gets images of 16 bits and gives 4; `depthwise` gives 8 into the sum, which is not rounded; the mean is.
    rules = [
        {"match": {"name": "conv"}, "do": {"inputs": "int16"}},
        {"match": {"name": "relu"}, "do": {"activations": "uint4"}},
        {"match": {"name": "pool"}, "do": {"activations": None}},
    ]
    found = mixed(budget_bit_operations=10**9, rules=rules)
    found.prepare(model, IMAGES)
    assert found.found.cost == 8 * (36 * 216 * 16 + 36 * 72 * 4 + 32 * 32)


def test_layers_of_nested_models_and_shared_layers_count_each_call():
    inner_inputs = keras.Input((5, 4))
    inner = keras.Model(inner_inputs, layers.Dense(4, name="dense")(inner_inputs), name="inner")
    inputs = keras.Input((5, 4))
    dense = layers.Dense(4, use_bias=False, name="dense")
    attention = layers.MultiHeadAttention(2, 3, name="attention")
    y = inner(dense(dense(inputs)))
    model = keras.Model(inputs, attention(key=y, query=y, value=y))
    found = mixed(budget_bit_operations=10**9)
    found.prepare(model, np.zeros((2, 5, 4), np.float32) + 1)
    projections, products = 4 * 5 * 4 * 6, 5 * 5 * (6 + 6)
    assert found.found.cost == 64 * (2 * 5 * 16 + 5 * 16 + projections + products)
    assert list(found.found.choices) == ["dense", "dense 2", "attention"]


def test_rules_have_the_last_word(model):
    rules = [
        {"match": {"name": "conv"}, "do": {"weights": "int16<channel>"}},
        {"match": {"name": "dense"}, "do": "skip"},
    ]
    found = mixed(budget_bytes=540, rules=rules)
    prepared = found.prepare(model, IMAGES)
    assert formats(found, prepared) == {"conv": "int16<channel>", "depthwise": "int4<channel>"}
    assert found.found.cost == 2 * 216 + 32 + 36 + 32
    with pytest.raises(
        ConfigError,
        match=r"mixed_precision: `budget_bytes` cannot be met: with the narrowest candidates 514 are left, 464 of "
        r"them in weights that rules set. Received: budget_bytes=500; raise it, or give a narrower candidate.",
    ):
        mixed(budget_bytes=500, rules=rules).prepare(model, IMAGES)
    with pytest.raises(ConfigError, match=r"rules leave no layer of model `\w+` to choose a format for."):
        mixed(budget_bytes=500, rules=[{"match": {}, "do": {"weights": "int8"}}]).prepare(model, IMAGES)


def test_without_candidates_rules_give_the_formats(model):
    rules = [
        {"match": {"type": "Dense"}, "do": {"weights": "int4<channel>", "activations": "int16"}},
        {"match": {"name": "depthwise"}, "do": {"weights": "fp8_e4m3fn"}},
    ]
    plain = compressor("mixed_precision", rules=rules)
    assert not plain.needs_calibration
    prepared = plain.prepare(model)
    assert formats(plain, prepared) == {"conv": "int8<channel>", "depthwise": "fp8_e4m3fn", "dense": "int4<channel>"}
    assert plain.found is None and plain.report(prepared).notes == ()


def test_what_was_found_is_in_the_model_and_in_the_report(model, tmp_path):
    found = mixed(budget_bytes=300, metric="kl")
    prepared = found.prepare(model, IMAGES)
    notes = found.report(prepared).notes
    assert notes[0] == f"budget_bytes: {found.found.cost} of 300, at least {NARROWEST}"
    assert [note.partition(";")[0] for note in notes[1:]] == [f"{k}: {v}" for k, v in found.found.choices.items()]
    assert notes[1].endswith("nats")
    prepared.save(tmp_path / "model.keras")
    loaded, again = load_model(tmp_path / "model.keras"), mixed(budget_bytes=300)
    again.attach(loaded)
    assert formats(again, loaded) == found.found.choices
    assert equal(loaded(IMAGES), prepared(IMAGES))


def test_it_trains_like_quantization_aware_training(model):
    found = mixed(budget_bytes=300, freeze_step=2)
    prepared = found.prepare(model, IMAGES)
    prepared.compile("sgd", "mse")
    prepared.fit(IMAGES, np.zeros((40, 4)), batch_size=10, verbose=0, callbacks=[found.keras_callback()])
    assert equal(found.finish(prepared)(IMAGES), prepared(IMAGES))


def test_learned_steps_are_searched_too(model):
    found = mixed(budget_bytes=300, weight_ranges="learned_step")
    prepared = found.prepare(model, IMAGES)
    assert {each.split()[0] for each in formats(found, prepared).values()} <= {"int8", "int4", "int2"}


def test_pruned_weights_are_counted_without_their_zeros(model):
    pruning = compressor("magnitude_pruning", sparsity=0.9, schedule="one_shot")
    pruned = pruning.prepare(model)
    pruning.update(0)
    found = mixed(budget_bytes=250)
    prepared = found.prepare(pruned, IMAGES)
    assert sum(row.bytes for row in found.report(prepared).compressed) == found.found.cost <= 250
    assert any(row.how.endswith("int8<channel>") for row in found.report(prepared).compressed)


def test_a_search_needs_inputs(model):
    assert mixed(budget_bytes=300).needs_calibration
    with pytest.raises(
        ConfigError, match=r"the search compares outputs. Give some inputs of the model, `prepare\(model"
    ):
        mixed(budget_bytes=300).prepare(model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "`rules` must be formats of layers where `candidates` are not given"),
        ({"budget_bytes": 3}, "`candidates` must be number formats to choose from, when there is a budget"),
        ({"candidates": THREE}, "`budget_bytes and budget_bit_operations` must be one of the two"),
        ({"candidates": THREE, "budget_bytes": 1, "budget_bit_operations": 1}, "must be one of the two"),
        ({"candidates": THREE, "budget_bytes": 0}, "must be positive"),
        ({"candidates": THREE[:1], "budget_bytes": 9}, "`candidates` must be two or more, each narrower than the last"),
        ({"candidates": THREE[::-1], "budget_bytes": 9}, "`candidates` must be two or more, each narrower"),
        ({"candidates": ("int8", "imt4"), "budget_bytes": 9}, "There is no number format `imt4`"),
        (
            {"candidates": ("int8", "mxfp4"), "budget_bytes": 9, "weight_ranges": "learned_step"},
            "`weights` must be integers when ranges are learned",
        ),
        ({"candidates": THREE, "budget_bytes": 9, "metric": "top1"}, "metric"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(EspalierError, match=message):
        compressor("mixed_precision", **settings)
