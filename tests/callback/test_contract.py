"""What every callback promises; a plugin joins by lying in the folder."""

import dataclasses
import inspect

import keras
import numpy as np
import pytest

from source.callback import keras_callback
from source.callback.callback import Callback
from source.callback.schedule import Progress, Schedule
from source.compressor.build import compressor
from source.config import settings
from source.config.config import CallbackConfig
from source.config.image_classification_config import ImageClassificationCallbackConfig
from source.config.plugin import available, resolve
from tests.callback.fake_run import FakeModeler, FakeRun, drive, through_json

NAMES = available("callback")
MODES = ("train", "evaluate", "infer", "export")
METRICS = {"loss": 0.5, "accuracy": 0.75, "top_5_accuracy": 1.0, "examples": 100.0, "seconds": 0.5}


@pytest.fixture(scope="module")
def modeler():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3, name="logits")])
    pruning = compressor("magnitude_pruning", sparsity=0.5, end_step=20, every_steps=5)
    return FakeModeler(pruning.prepare(model), keras.optimizers.SGD(0.1), compressor=pruning)


@pytest.fixture(params=NAMES)
def module(request):
    return resolve("callback", request.param)


def built(module):
    return module.build(module.Config())


def evaluations(step):
    return METRICS


def run_once(callback, run):
    """One run of the callback in the mode of `run`, as runners do it."""
    callback.before_run(run)
    if run.mode == "train":
        drive(callback, run, evaluate=evaluations)
    elif run.mode == "evaluate":
        texts = callback.after_evaluate(run, METRICS)
        assert texts is None or all(isinstance(text, str) for pair in texts.items() for text in pair)
    elif run.mode == "infer":
        for first in (0, 3):
            callback.after_predict(run, predictions(first))
    callback.after_run(run)


def predictions(first):
    return {
        "index": np.arange(first, first + 3),
        "image": np.zeros((3, 8, 8, 3), np.float32),
        "classes": np.array([0, 1, 2]),
        "probabilities": np.eye(3, dtype=np.float32),
    }


def test_there_are_the_callbacks_of_the_house():
    assert NAMES == [
        "best_checkpoint",
        "compression",
        "early_stopping",
        "eval_accuracy",
        "eval_basic",
        "eval_loss",
        "eval_speed",
        "eval_summary",
        "export_basic",
        "infer_basic",
        "infer_display_image_classification",
        "keras_callback",
        "metrics_log",
        "nan_guard",
        "progress",
        "train_accuracy",
        "train_basic",
        "train_loss",
        "train_sparsity",
        "train_speed",
        "train_summary",
    ]


def test_says_what_it_does(module):
    assert inspect.getdoc(module).splitlines()[0].endswith(".")
    assert inspect.getdoc(module.build).startswith("Returns the ")
    assert "Args:\n    config: " in inspect.getdoc(module.build)


def test_its_own_settings_are_documented(module):
    own = {field.name for field in dataclasses.fields(module.Config)}
    own -= {field.name for field in dataclasses.fields(ImageClassificationCallbackConfig)}
    text = inspect.getdoc(module.Config)
    assert {name for name in own if f"    {name}: " not in text} == set()


def test_has_two_public_names(module):
    public = {name for name, value in vars(module).items() if _is_own(module, name, value)}
    allowed = {"Config", "build", "FOLDER"} | ({"adapt"} if module is keras_callback else set())
    assert public | {"Config"} <= allowed


def _is_own(module, name, value):
    defined_here = getattr(value, "__module__", module.__name__) == module.__name__
    return not name.startswith("_") and defined_here and not inspect.ismodule(value)


def test_extends_what_every_callback_knows(module):
    assert issubclass(module.Config, CallbackConfig)
    assert settings.from_mapping(module.Config, settings.to_mapping(module.Config())) == module.Config()


def test_is_built_from_its_own_settings_and_from_those_of_the_room(module):
    assert isinstance(built(module), Callback)
    callback = module.build(CallbackConfig(model_dir="elsewhere", log_every_n_iter=3))
    assert (callback.config.model_dir, callback.config.log_every_n_iter) == ("elsewhere", 3)


def test_is_built_from_the_settings_of_a_task_that_say_nothing_of_their_own(module):
    assert isinstance(module.build(ImageClassificationCallbackConfig(model_dir="elsewhere")), Callback)


def test_acts_in_modes_that_exist(module):
    callback = built(module)
    assert isinstance(callback.modes, frozenset)
    assert callback.modes and callback.modes <= set(MODES)
    assert callback.restores is module.__name__.endswith("_basic")


@pytest.mark.parametrize("mode", MODES)
def test_survives_every_hook_of_its_modes(module, mode, modeler, tmp_path):
    callback = built(module)
    if mode not in callback.modes:
        return
    run = FakeRun(tmp_path, mode=mode, max_step=25, steps_per_epoch=10, modeler=modeler, checkpoint=5)
    run_once(callback, run)
    assert run.printer is None
    assert run.stopped == []


def test_its_state_survives_a_checkpoint(module, modeler, tmp_path):
    callback = built(module)
    if "train" not in callback.modes:
        assert callback.state() == {}
        return
    run = FakeRun(tmp_path, max_step=30, steps_per_epoch=10, modeler=modeler)
    callback.before_run(run)
    drive(callback, run, to_step=15, evaluate=evaluations)
    state = callback.state()
    assert through_json(state) == state
    again = built(module)
    again.load_state(through_json(state))
    assert again.state() == state
    callback.after_run(run)


@pytest.mark.parametrize("seconds_per_step", [0.0, 0.01])
def test_its_schedule_is_pure(module, seconds_per_step):
    callback = built(module)
    assert isinstance(callback.schedule, Schedule)
    assert callback.schedule == callback.schedule
    for step in (0, 9, 10, 99, 100):
        progress = Progress(step=step, max_step=100, steps_per_epoch=20, seconds_per_step=seconds_per_step)
        first = callback.schedule.next_due(progress)
        assert first == callback.schedule.next_due(progress)
        assert first is None or step < first <= 100


def test_building_writes_nothing(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    built(module)
    assert list(tmp_path.iterdir()) == []
