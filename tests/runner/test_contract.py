"""What every runner does, whatever its devices: each member of the folder is run through the same behaviours."""

import pytest

from source.config import plugin
from source.config.config import RunnerConfig
from source.runner.runner import Runner
from tests.runner.parts import make_inputter, make_modeler


@pytest.fixture(params=plugin.available("runner"))
def module(request):
    return plugin.resolve("runner", request.param)


def test_it_is_built_from_the_settings_of_its_room(module):
    assert issubclass(module.Config, RunnerConfig)
    runner = module.build(RunnerConfig(max_steps=7), make_inputter(), make_modeler())
    assert isinstance(runner, Runner)
    assert runner.config.max_steps == 7
    assert runner.callbacks == []


def test_it_trains_and_evaluates(module):
    runner = module.build(RunnerConfig(max_steps=3), make_inputter(), make_modeler())
    trained = runner.train()
    evaluated = runner.evaluate()
    assert (trained.step, evaluated.step) == (3, 3)
    assert evaluated.metrics["examples"] == 20
    assert evaluated.metrics["accuracy"] == trained.metrics["accuracy"]
