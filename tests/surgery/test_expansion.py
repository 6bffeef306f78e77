"""Tests of `source.surgery.expansion`."""

import keras
import pytest
from keras import layers

from source.config.errors import ConfigError
from source.graph.channel_cost import channel_cost
from source.surgery.expansion import expand_to


def network():
    inputs = keras.Input((8, 8, 3))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(5, 3, name="first")(inputs)))
    x = layers.Concatenate()([layers.Conv2D(3, 1, name="one")(x), layers.Conv2D(4, 1, name="other")(x)])
    return keras.Model(inputs, layers.Dense(2, name="logits")(layers.Flatten()(x)))


@pytest.mark.parametrize("target", ["flops", "model_size", "parameters", "latency"])
def test_the_result_costs_what_is_asked_and_a_little_more_would_be_too_much(target):
    model = network()
    total = channel_cost(model, hardware="P100").total(target)
    wide = expand_to(model, 10 * total, target, hardware="P100")
    assert wide.output_shape == model.output_shape
    assert 0.85 * 10 * total < channel_cost(wide, hardware="P100").total(target) <= 10 * total


def test_multiples_and_narrower_models():
    model = network()
    total = channel_cost(model).total("flops")
    wide = expand_to(model, 20 * total, multiple=8)
    assert [wide.get_layer(name).filters % 8 for name in ("first", "one", "other")] == [0, 0, 0]
    narrow = expand_to(model, 0.5 * total)
    assert channel_cost(narrow).total("flops") <= 0.5 * total < total


def test_a_cost_that_no_model_has_is_refused():
    with pytest.raises(ConfigError, match=r"cost: the narrowest model has flops .* Received: cost=10."):
        expand_to(network(), 10.0)
