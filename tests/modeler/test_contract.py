"""What every modeler promises; a modeler joins by lying in the folder."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

from source.config import plugin
from source.config.config import ModelerConfig
from source.modeler.modeler import Modeler
from tests.modeler.conftest import CLASSES, FakeInputter, linear

NAMES = plugin.available("modeler")


@pytest.fixture(params=NAMES)
def module(request):
    return plugin.resolve("modeler", request.param)


@pytest.fixture
def modeler(module):
    config = module.Config(
        num_classes=CLASSES, batch_size_per_gpu=4, ema_decay=0.5, l2_weight_decay=0.1, optimizer="adam"
    )
    modeler = module.build(config, linear)
    modeler.get_dataset_info(FakeInputter())
    modeler.build()
    return modeler


def test_there_is_a_modeler():
    assert "image_classification_modeler" in NAMES


def test_it_has_a_docstring_a_config_and_a_build(module):
    assert module.__doc__
    assert issubclass(module.Config, ModelerConfig)
    assert list(inspect.signature(module.build).parameters) == ["config", "network", "compressor"]


def test_it_is_a_modeler(modeler):
    assert isinstance(modeler, Modeler)
    assert isinstance(modeler.config, ModelerConfig)


def test_a_step_of_training_reports_float32_scalars_and_moves_the_weights(modeler, batch):
    before = modeler.model.get_weights()
    outputs = tf.function(modeler.train_step)(batch)
    assert {"loss", "learning_rate"} <= outputs.keys()
    assert all(value.dtype == tf.float32 and value.shape == () for value in outputs.values())
    moved = [not np.array_equal(a, b) for a, b in zip(before, modeler.model.get_weights(), strict=True)]
    assert all(moved)


def test_steps_create_no_variables(modeler, batch):
    created = []

    def create(make, **arguments):
        created.append(arguments.get("name"))
        return make(**arguments)

    with tf.variable_creator_scope(create):
        for step in (modeler.train_step, modeler.evaluate_step, modeler.predict_step):
            tf.function(step)(batch)
    assert created == []


def test_evaluation_reports_finite_numbers_and_begins_anew(modeler, batch):
    modeler.evaluate_step(batch)
    first = modeler.metric_results()
    assert "loss" in first and all(isinstance(value, float) and np.isfinite(value) for value in first.values())
    modeler.reset_metrics()
    modeler.evaluate_step(batch)
    assert modeler.metric_results() == first


def test_padding_changes_nothing(modeler, batch):
    whole = {name: value[:3] for name, value in batch.items()}
    modeler.evaluate_step(whole)
    expected = modeler.metric_results()
    modeler.reset_metrics()
    modeler.evaluate_step(batch)  # the same three and one without weight
    assert modeler.metric_results() == pytest.approx(expected, rel=1e-6)  # sums in another order


def test_every_example_is_predicted(modeler, batch):
    outputs = modeler.predict_step(batch)
    assert outputs and all(value.shape[0] == 4 for value in outputs.values())


def test_the_state_is_complete(modeler, batch):
    state = modeler.state()
    kept = {name: variable.numpy() for name, variable in state.items()}
    first = modeler.train_step(batch)
    for name, variable in state.items():
        variable.assign(kept[name])
    second = modeler.train_step(batch)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)
    assert {name.split("/")[0] for name in state} == {"model", "optimizer", "average"}
