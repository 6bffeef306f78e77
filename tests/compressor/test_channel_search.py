"""Tests of widths that a search finds under a budget."""

import keras
import numpy as np
import pytest
from keras import layers

from source.compressor._width_search import OutputLoss, WidthCost, classes, narrowed, widths_of
from source.compressor.build import compressor
from source.config.errors import ConfigError, DataError
from source.graph.channel_groups import channel_groups
from source.graph.cost import cost
from source.layer.load_model import load_model
from tests.layer.kinds import equal

X = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)


def dense() -> keras.Model:
    """Returns `first` and `second`, 8 wide, and `last`, 2 wide; nothing reads the last 4 of 8 and the last 2 of 8.

    What makes them is the smallest, so that the search takes them first: 32, 64 and 16 products, biases are 0.
    """
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, name="first"),
            layers.Dense(8, name="second"),
            layers.Dense(2, name="last"),
        ],
        name="dense",
    )
    source = np.random.default_rng(1)
    first, second, last = (source.normal(size=shape) + 3.0 for shape in ((4, 8), (8, 8), (8, 2)))
    first[:, 4:], second[:, 6:], second[4:], last[6:] = 0.01, 0.001, 0.0, 0.0
    for name, kernel in (("first", first), ("second", second), ("last", last)):
        model.get_layer(name).kernel.assign(kernel)
    return model


def image() -> keras.Model:
    """Returns convolutions of 8 and 6 channels, and a head."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, name="one", activation="relu")(inputs)
    x = layers.Conv2D(6, 3, name="two", activation="relu")(x)
    return keras.Model(inputs, layers.Dense(3, name="head")(layers.Flatten()(x)))


def search(**more):
    return compressor("channel_search", **more)


def kept(found, name: str) -> list[bool]:
    [group] = found.groups.group_of(name)
    return found.alive(group).tolist()


def test_greed_takes_the_least_loss_for_what_is_saved():
    widths, losses = [[4, 2, 1], [4, 2, 1]], {(0, 1): 2.0, (0, 2): 3.0, (1, 1): 1.0, (1, 2): 9.0}
    found = narrowed(
        "ab",
        widths,
        lambda levels: (widths[0][levels[0]] + 1) * widths[1][levels[1]],
        9,
        lambda group, level: losses.get((group, level), 0.0),
    )
    # b: 1 for 20 - 10, a: 2 for 20 - 12; then a: 2 for 10 - 6, b: 8 more for 10 - 5.
    assert found.widths == {"a": 2, "b": 2}
    assert (found.cost, found.whole, found.least) == (6, 20, 2)
    assert found.losses == {"a": {4: 0.0, 2: 2.0}, "b": {4: 0.0, 2: 1.0, 1: 9.0}}


def test_of_equal_prices_the_larger_saving_and_then_the_earlier_is_taken():
    found = narrowed("ab", [[4, 3], [4, 2]], lambda levels: 8 - levels[0] - 2 * levels[1], 6, lambda *_: 0.0)
    assert found.widths == {"a": 4, "b": 2}
    found = narrowed("ab", [[4, 2], [4, 2]], lambda levels: 8 - 2 * sum(levels), 6, lambda *_: 0.0)
    assert found.widths == {"a": 2, "b": 4}


def test_widths_are_equal_portions_with_floors_and_multiples():
    assert widths_of(8, 4, 1, 1) == [8, 6, 4, 2]
    assert widths_of(8, 4, 3, 1) == [8, 6, 4, 3]
    assert widths_of(20, 5, 1, 8) == [20, 16, 8]
    assert widths_of(6, 3, 1, 8) == [6]
    assert widths_of(3, 8, 1, 1) == [3, 2, 1]


@pytest.mark.parametrize("target", ["macs", "parameters", "bytes"])
def test_the_cost_is_that_of_the_cut_model(target):
    found = search(target=target, budget=0.4)
    prepared = found.prepare(image(), np.ones((2, 6, 6, 3), np.float32))
    whole = WidthCost(prepared, found.groups, target)
    assert whole.whole == cost(image()).total("size_bytes" if target == "bytes" else target)
    found.update(0)
    finished = found.finish(prepared)
    assert found.found.cost == cost(finished).total("size_bytes" if target == "bytes" else target)
    assert found.found.cost <= 0.4 * whole.whole
    assert [layer.filters for layer in finished.layers if hasattr(layer, "filters")] == list(
        found.found.widths.values()
    )


def test_channels_that_nobody_reads_go_first():
    model = dense()
    found = search(budget=0.5)
    prepared = found.prepare(model, X)
    assert kept(found, "first") == kept(found, "second") == [True] * 8
    found.update(0)
    # 112 products; all steps lose nothing: `first` saves more at each until it would lose something, then `second`.
    assert found.found.widths == {"first": 4, "second": 6}
    assert kept(found, "first") == [True] * 4 + [False] * 4
    assert kept(found, "second") == [True] * 6 + [False] * 2
    assert found.found.cost == 4 * 4 + 4 * 6 + 6 * 2 and found.found.whole == 112
    finished = found.finish(prepared)
    assert [layer.units for layer in finished.layers if hasattr(layer, "units")] == [4, 6, 2]
    np.testing.assert_allclose(finished(X), model(X), rtol=1e-5, atol=1e-4)  # outputs near 500, summed in another order
    np.testing.assert_array_equal(finished.get_layer("second").kernel, np.asarray(model.layers[1].kernel)[:4, :6])


def test_a_search_finds_the_same_again_and_only_once():
    first, second = search(budget=0.3), search(budget=0.3)
    for each in (first, second):
        each.prepare(image(), np.random.default_rng(4).normal(size=(70, 6, 6, 3)).astype(np.float32))
        each.update(0)
    assert first.found == second.found
    before = first.found
    first.update(5)
    assert first.found is before
    first.prepare(image(), np.ones((2, 6, 6, 3), np.float32))
    assert first.found is None


def test_a_search_waits_for_its_step():
    found = search(begin_step=3)
    prepared = found.prepare(dense(), X)
    assert [found.next_update(step) for step in (-1, 2, 3)] == [3, 3, None]
    found.update(2)
    assert all(kept(found, "first"))
    with pytest.raises(ConfigError, match=r"no channel has been taken out.*: the first step that does is 3"):
        found.finish(prepared)
    found.update(3)
    assert kept(found, "first") == [True] * 4 + [False] * 4


def test_a_loaded_model_needs_its_examples_again(tmp_path):
    search(begin_step=3).prepare(dense(), X).save(tmp_path / "model.keras")
    found, loaded = search(begin_step=3), load_model(tmp_path / "model.keras")
    found.attach(loaded)
    with pytest.raises(ConfigError, match=r"the search runs the model. Give .* `take_examples\(x\)` for a model"):
        found.update(3)
    found.take_examples(X)
    found.update(3)
    assert found.found.widths == {"first": 4, "second": 6}


def test_rules_skip_groups_and_give_them_floors():
    found = search(budget=0.6, rules=[{"match": {"name": "first"}, "do": "skip"}])
    found.prepare(dense(), X)
    found.update(0)
    assert list(found.found.widths) == ["second"] and all(kept(found, "first"))
    found = search(budget=0.5, rules=[{"match": {"name": "first"}, "do": {"least_density": 0.75}}])
    found.prepare(dense(), X)
    found.update(0)
    # `first` stays at 6 of 8: 24 + 8 products for each of `second`, of which 4 fit into 56.
    assert found.found.widths == {"first": 6, "second": 4}


def test_widths_are_multiples():
    found = search(budget=0.7, multiple=4)
    found.prepare(dense(), X)
    found.update(0)
    assert found.found.widths == {"first": 4, "second": 8}


def test_errors_and_disagreement_are_shares_of_examples():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, use_bias=False, name="a")])
    model.set_weights([np.eye(2, dtype=np.float32)])
    x = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 1.0], [0.0, 3.0]], np.float32)
    errors = OutputLoss(model, (x, np.array([0, 1, 1, 1])), "accuracy")
    other = OutputLoss(model, x, "agreement")
    noise = OutputLoss(model, x, "sqnr")
    assert (errors.at_start, other.at_start, noise.at_start) == (0.25, 0.0, 0.0)
    model.set_weights([np.array([[1, 0], [0, 0]], np.float32)])  # the second class is never found: ties are the first
    assert (errors.now(), other.now(), noise.now()) == (0.75, 0.5, (1 + 1 + 9) / (1 + 5 + 1 + 9))
    np.testing.assert_array_equal(classes(np.eye(3)[[2, 0]]), [2, 0])
    np.testing.assert_array_equal(classes(np.array([[1], [4]])), [1, 4])


@pytest.mark.parametrize("metric", ["kl", "agreement", "accuracy"])
def test_every_metric_meets_the_budget(metric):
    model = dense()
    labels = np.asarray(model(X)).argmax(-1)
    found = search(metric=metric, budget=0.5)
    found.prepare(model, (X, labels) if metric == "accuracy" else X)
    found.update(0)
    assert found.found.cost <= 56
    assert all(loss[8] == 0.0 for loss in found.found.losses.values())


def test_a_report_tells_what_was_searched():
    found = search(budget=0.5)
    prepared = found.prepare(dense(), X)
    assert "of 56 allowed" not in str(found.report(prepared))
    found.update(0)
    notes = found.report(prepared).notes
    assert "macs: 52 of 56 allowed, at least 7" in notes
    assert any(note.startswith("second: 6 channels; alone 8 inf dB, 7 inf dB") for note in notes)
    assert "first: 4 of 8 channels kept" in notes


def test_what_cannot_be_is_refused():
    found = search(budget=0.05)
    found.prepare(dense(), X)
    with pytest.raises(ConfigError, match=r"`budget` cannot be met: .* left. Received: budget=0.05; raise it to 0.07"):
        found.update(0)
    with pytest.raises(ConfigError, match=r"the search runs the model. Give some of its inputs: `prepare\(model, cal"):
        search().prepare(dense())
    with pytest.raises(ConfigError, match=r'metric="accuracy" needs examples with labels: .* Received: ndarray.'):
        search(metric="accuracy").prepare(dense(), X)
    found = search(metric="accuracy")
    found.prepare(dense(), (X, np.zeros(3, int)))
    with pytest.raises(DataError, match=r"expected a label for each row .* Received: 3 labels, outputs of shape"):
        found.update(0)
    found = search()
    found.prepare(dense(), np.ones((3, 5), np.float32))
    with pytest.raises(DataError, match=r"calibration: the model does not take these inputs"):
        found.update(0)
    assert all(kept(found, "first"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": 1.0}, r"`budget` must be between 0 and 1. Received: budget=1.0."),
        ({"portions": 1}, r"`portions` must be at least 2. Received: portions=1."),
        ({"multiple": 0}, r"`multiple` must be at least 1. Received: multiple=0."),
        ({"begin_step": -1}, r"`begin_step` must be at least 0. Received: begin_step=-1."),
        ({"least_density": 1.0}, r"`least_density` must be at least 0 and below 1. Received: least_density=1.0."),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        search(**settings)


def test_the_given_model_is_not_changed():
    model = image()
    before = model.get_weights()
    found = search()
    found.prepare(model, np.ones((2, 6, 6, 3), np.float32))
    found.update(0)
    assert equal(model.get_weights(), before)
    assert len(channel_groups(model).prunable) == 2
