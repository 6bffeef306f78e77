import keras
import numpy as np
import pytest

from source.config.errors import ConfigError, UnknownNameError
from source.modeler import _optimizer


@pytest.mark.parametrize("name", sorted(_optimizer.optimizer_classes()))
def test_every_optimizer_moves_a_weight_downhill(name):
    optimizer = _optimizer.create(name, {}, 0.1, scale_loss=False)
    weight = keras.Variable(np.ones((2, 2), np.float32), name="w")
    optimizer.build([weight])
    optimizer.apply([keras.ops.ones((2, 2))])
    assert optimizer.name == name
    assert (weight.numpy() < 1).all()


def test_momentum_is_sgd_with_nine_tenths():
    assert _optimizer.create("momentum", {}, 0.1, scale_loss=False).momentum == 0.9
    assert _optimizer.create("sgd", {}, 0.1, scale_loss=False).momentum == 0.0


def test_options_reach_the_keras_class():
    optimizer = _optimizer.create("momentum", {"momentum": 0.5, "nesterov": True}, 0.1, scale_loss=False)
    assert (optimizer.momentum, optimizer.nesterov) == (0.5, True)


def test_float16_gets_its_loss_scaled():
    optimizer = _optimizer.create("adam", {"beta_1": 0.8}, 0.1, scale_loss=True)
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    assert optimizer.inner_optimizer.beta_1 == 0.8


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no optimizer `momentun`\. Did you mean `momentum`"):
        _optimizer.create("momentun", {}, 0.1, scale_loss=False)


def test_an_unknown_option_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"optimizer_options\.beta1: adam has no such argument.*`beta_1`"):
        _optimizer.create("adam", {"beta1": 0.9}, 0.1, scale_loss=False)


@pytest.mark.parametrize(
    ("option", "setting"),
    [("learning_rate", "learning_rate"), ("global_clipnorm", "clip_norm"), ("use_ema", "ema_decay")],
)
def test_an_option_that_the_modeler_has_itself_is_refused(option, setting):
    with pytest.raises(ConfigError, match=rf"optimizer_options\.{option}: set `{setting}` of the modeler"):
        _optimizer.create("sgd", {option: 1.0}, 0.1, scale_loss=False)


def test_a_value_that_keras_refuses_is_a_mistake_of_the_configuration():
    with pytest.raises(ConfigError, match=r"optimizer_options: sgd refuses \{'momentum': 7\}"):
        _optimizer.create("sgd", {"momentum": 7}, 0.1, scale_loss=False)


def test_a_switch_takes_only_true_or_false():
    with pytest.raises(ConfigError, match=r"optimizer_options\.nesterov: expected true or false\. Received: 'yes'\."):
        _optimizer.create("sgd", {"nesterov": "yes"}, 0.1, scale_loss=False)
