"""What every compressor promises; a plugin joins by lying in the folder and by its line in `cases.CASES`."""

import dataclasses
import functools
import inspect
import itertools
import json
import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.compressor.build import compressor
from source.compressor.compressor import Compressor
from source.compressor.weight_compressor import WeightCompressor
from source.config import settings
from source.config.config import CompressorConfig
from source.config.errors import ConfigError
from source.config.plugin import available, resolve
from source.layer.compressed import compressed_layers
from source.layer.fake_quantize import FakeQuantize
from source.layer.load_model import load_model
from source.surgery.rewrite import layers_of
from tests.compressor.cases import CASES, Case, batch_for, compiled, fit, made
from tests.layer.kinds import arrays, equal

NAMES = available("compressor")
KNOWN = [name for name in NAMES if name in CASES]
ALWAYS = ("magnitude_pruning", "quantize_aware")  # with every model, also in the default suite
PAIRS = [
    pytest.param(name, model, id=f"{name}-{model}", marks=[pytest.mark.slow] if index and name not in ALWAYS else [])
    for name in KNOWN
    for index, model in enumerate(CASES[name].models)
]

LONG = [pytest.param(name, marks=[] if name in ALWAYS else [pytest.mark.slow]) for name in KNOWN]


class Rounding(WeightCompressor):
    """A second compressor, which every other one has to get along with."""

    name = "rounding"

    def chain(self, layer, path, settings):
        return [FakeQuantize("fixed<12,3>")]


@settings.settings
class Nothing:
    """No settings."""


@dataclasses.dataclass
class Story:
    """What became of a model at the hands of a plugin."""

    case: Case
    compressor: Compressor
    given: keras.Model
    before: list[np.ndarray]
    batch: np.ndarray
    expected: list[np.ndarray]
    at_start: list[np.ndarray] = dataclasses.field(default_factory=list)
    gradients: dict[str, np.ndarray | None] = dataclasses.field(default_factory=dict)
    losses: list[float] = dataclasses.field(default_factory=list)
    model: keras.Model | None = None


def build(name: str, **more: Any) -> Compressor:
    assert name in CASES, f"write a line for `{name}` in tests/compressor/cases.py, CASES: its settings and promises"
    return compressor(name, **{**CASES[name].settings, **CASES[name].more(), **more})


def rest(case: Case, batch: np.ndarray) -> dict[str, Any]:
    return {"calibration": batch} if case.calibrated else {}


def begun(name: str, model: str) -> Story:
    case, given, made_by = CASES[name], compiled(made(model)), build(name)
    batch, state = batch_for(given, 8), arrays([*given.variables, *given.optimizer.variables])
    story = Story(case, made_by, given, state, batch, arrays(given(batch)))
    story.model = made_by.prepare(given, **rest(case, batch))
    story.at_start = arrays(story.model(batch))
    return story


@functools.cache
def told(name: str, model: str) -> Story:
    """Returns a prepared and trained model; nobody may change it."""
    story = begun(name, model)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(story.model(story.batch, training=True) - 1.0)) + sum(story.model.losses)
    gradients = tape.gradient(loss, story.model.trainable_variables)
    for variable, gradient in zip(story.model.trainable_variables, gradients, strict=True):
        story.gradients[variable.path] = None if gradient is None else np.asarray(tf.convert_to_tensor(gradient))
    story.losses = fit(compiled(story.model), story.compressor.keras_callback())
    return story


@pytest.fixture
def story(request) -> Story:
    return told(*request.param)


def pairs(function):
    return pytest.mark.parametrize(
        "story", [pytest.param(each.values, id=each.id, marks=each.marks) for each in PAIRS], indirect=True
    )(function)


@pytest.fixture(autouse=True, scope="module")
def forgotten():
    yield
    told.cache_clear()


def test_every_plugin_is_tested():
    missing = sorted(set(NAMES) - set(CASES))
    assert not missing, f"write a line for {missing} in tests/compressor/cases.py, CASES: their settings and promises"


@pytest.mark.parametrize("name", KNOWN)
def test_a_plugin_has_settings_and_builds_a_compressor(name):
    module = resolve("compressor", name)
    assert issubclass(module.Config, CompressorConfig)
    assert dataclasses.is_dataclass(module.Config) and module.Config.__dataclass_params__.frozen
    assert list(inspect.signature(module.build).parameters) == ["config"]
    found = build(name)
    assert isinstance(found, Compressor) and found.name == name
    assert isinstance(found.config, module.Config)


@pytest.mark.parametrize("name", KNOWN)
def test_an_unknown_setting_is_answered_with_the_nearest(name):
    with pytest.raises(ConfigError, match=r"`?rulez`?.* Did you mean `rules`"):
        build(name, rulez=[])


@pytest.mark.parametrize("name", KNOWN)
def test_a_rule_that_matches_nothing_is_an_error(name):
    rules = [{"match": {"name": "logit"}, "do": "skip"}]
    if not CASES[name].takes_rules:
        with pytest.raises(ConfigError, match="rules"):
            build(name, rules=rules)
        return
    model = made(CASES[name].models[0])
    with pytest.raises(ConfigError, match=r"rules\[0\].match: no layer is called `logit`. Did you mean `logits`\?"):
        build(name, rules=rules).prepare(model, **rest(CASES[name], batch_for(model, 8)))


@pytest.mark.parametrize("name", KNOWN)
def test_models_that_cannot_be_copied_are_refused(name):
    bare = keras.Sequential([keras.layers.Dense(2)], name="bare")
    with pytest.raises(ConfigError, match=r"Model `bare` does not know its input yet."):
        build(name).prepare(bare)


@pytest.mark.parametrize("name", KNOWN)
def test_a_model_of_nobody_is_not_taken_up(name):
    with pytest.raises(ConfigError, match=r"has nothing of this compressor. Train what `compressor.prepare\(model\)`"):
        build(name).attach(made(CASES[name].models[0]))
    with pytest.raises(ConfigError, match=r"there is no model yet. Call `prepare\(model\)` first."):
        build(name).model  # noqa: B018 (the property raises)


@pytest.mark.parametrize("name", KNOWN)
def test_updates_are_steps_in_order(name):
    found, steps = build(name), [-1]
    while (following := found.next_update(steps[-1])) is not None and len(steps) < 100:
        steps.append(following)
    assert all(before < after for before, after in itertools.pairwise(steps))
    assert len(steps) < 100 and found.first_step == (steps[1] if len(steps) > 1 else None)


@pairs
def test_the_given_model_stays_as_it_is(story):
    assert equal([*story.given.variables, *story.given.optimizer.variables], story.before)
    assert story.given.compiled
    assert story.model is not story.given and story.compressor.owns(story.model)
    assert not story.compressor.owns(story.given)
    mine = {id(variable) for variable in story.model.variables}
    assert mine.isdisjoint(id(variable) for variable in story.given.variables)
    assert [each.name for each in story.model.inputs] == [each.name for each in story.given.inputs]


@pairs
def test_outputs_stay_until_the_first_step_where_that_is_promised(story):
    if story.case.unchanged:
        assert equal(story.at_start, story.expected)
    assert np.isfinite(story.at_start[0]).all()


@pairs
def test_every_trained_weight_has_a_gradient(story):
    assert story.gradients
    assert [path for path, gradient in story.gradients.items() if gradient is None] == []
    assert [path for path, gradient in story.gradients.items() if not np.isfinite(gradient).all()] == []


@pairs
def test_training_in_fit_works(story):
    assert np.isfinite(story.losses).all()
    assert story.compressor.next_update(4) is None, "let the settings in CASES end within 4 steps"


@pairs
def test_an_update_twice_is_an_update_once(story):
    model = keras.models.clone_model(story.model)
    model.set_weights(story.model.get_weights())
    again = build(story.compressor.name)
    again.attach(model)
    for step in (0, 2, 3, 4):
        again.update(step)
        once = arrays(model.variables)
        again.update(step)
        assert equal(model.variables, once), step


@pairs
def test_a_saved_model_is_the_same_when_loaded(story, tmp_path):
    story.model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert equal(loaded(story.batch), story.model(story.batch))
    assert equal(loaded.weights, story.model.weights)
    assert paths(loaded) == paths(story.model)
    again = build(story.compressor.name)
    again.attach(loaded)
    # Notes are of what a compressor has done, not of what it finds.
    found, expected = (each.to_dict() for each in (again.report(loaded), story.compressor.report(story.model)))
    assert {**found, "notes": []} == {**expected, "notes": []}
    assert equal(again.finish(loaded)(story.batch), story.compressor.finish(story.model)(story.batch))


@pairs
def test_finished_models_are_plain_and_have_the_outputs(story, tmp_path):
    expected = arrays(story.model(story.batch))[0]
    finished = story.compressor.finish(story.model)
    assert not any(True for _ in compressed_layers(finished))
    own = {type(layer).__name__ for layer in layers_of(finished) if not type(layer).__module__.startswith("keras.")}
    assert own <= {"FakeQuantize", "ApproximateLayerNormalization"}  # formats and operators that Keras has not
    np.testing.assert_allclose(finished(story.batch), expected, rtol=0.0, atol=story.case.tolerance)
    assert equal(story.model(story.batch), expected)
    finished.save(tmp_path / "model.keras")
    assert equal(load_model(tmp_path / "model.keras")(story.batch), finished(story.batch))
    if story.compressor.owns(finished):  # what rounds activations may stay as a layer
        assert equal(story.compressor.finish(finished)(story.batch), finished(story.batch))
    else:
        with pytest.raises(ConfigError, match=r"has nothing of this compressor"):
            story.compressor.finish(finished)


@pairs
def test_a_second_compressor_composes_after_it(story):
    second = Rounding(CompressorConfig(), Nothing())
    both = second.prepare(story.model)
    assert second.owns(both) and not second.owns(story.model)
    first = build(story.compressor.name)
    fit(compiled(both), first.keras_callback())
    finished = arrays(second.finish(both)(story.batch))[0]
    np.testing.assert_allclose(finished, arrays(both(story.batch))[0], rtol=0.0, atol=story.case.tolerance)
    rounded = second.report(both).compressed
    assert any(row.how.endswith(str(FakeQuantize("fixed<12,3>").format)) for row in rounded)


@pairs
def test_reports_add_up(story):
    report = story.compressor.report(story.model)
    totals, rows = report.totals(), report.rows
    assert len(report.compressed) + len(report.not_compressed) == len(rows)
    assert totals["numbers"] == sum(math.prod(row.shape) for row in rows)
    assert totals["kept"] == sum(row.kept for row in rows) <= totals["numbers"]
    assert totals["bytes"] == sum(row.bytes for row in rows)
    assert totals["ratio"] == totals["float32_bytes"] / totals["bytes"]
    assert all(row.bits == pytest.approx(8.0 * row.bytes / math.prod(row.shape)) for row in rows)
    assert all(row.how for row in rows)
    assert len({(row.layer, row.weight) for row in rows}) == len(rows)
    assert not any("seed_generator" in row.weight for row in rows)
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
    assert "all weights" in str(report) and report.to_markdown().startswith("| layer | weight |")


@pytest.mark.parametrize("name", LONG)
def test_compiled_training_is_training(name):
    story = begun(name, CASES[name].models[0])
    losses = fit(compiled(story.model, jit_compile=True), story.compressor.keras_callback())
    # XLA sums in another order: relative errors of a few ulps grow over four steps.
    assert losses == pytest.approx(told(name, CASES[name].models[0]).losses, rel=0.5)


@pytest.mark.parametrize("name", LONG)
def test_interrupted_training_goes_on_as_if_it_were_not(name, tmp_path):
    whole, part = (begun(name, CASES[name].models[0]) for _ in range(2))
    fit(compiled(whole.model), whole.compressor.keras_callback(), epochs=2)
    fit(compiled(part.model), part.compressor.keras_callback(), epochs=1)
    part.model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    fit(loaded, build(name).keras_callback(), epochs=2, initial_epoch=1)
    assert equal(loaded.weights, whole.model.weights)


def paths(model: keras.Model) -> list[str]:
    """Returns the paths of the weights, without states of random numbers, which Keras numbers as it goes."""
    return [each.path for each in model.weights if "seed_generator" not in each.path]
