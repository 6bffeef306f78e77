"""Tests of how the handler of a layer is found, and of handlers that users write."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from source.config.errors import ConfigError
from source.graph.channel_groups import channel_groups
from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, channel_axis, constants_of, follow_not, handler_of, register_handler
from source.graph.trace import Step, trace
from source.surgery.channels import remove_channels
from tests.graph.channels.looks import groups_of, steps


@keras.saving.register_keras_serializable(package="test")
class Scale(layers.Layer):
    """A number for each channel."""

    def build(self, shape):
        self.numbers = self.add_weight(name="numbers", shape=(shape[-1],))

    def call(self, x):
        return x * self.numbers


class ScaleHandler(Handler):
    def follow(self, step: Step, flow: Flow) -> None:
        labels = flow.channels(step.inputs[0])
        flow.site(step.path, step.operation, "numbers", 0, labels)
        flow.put_channels(step.outputs[0], labels)


class MyDense(layers.Dense):
    """Is followed as its base class."""


@pytest.fixture
def registered():
    class Own(Scale):
        """A class of its own, so that the other stays unknown."""

    register_handler(Own, ScaleHandler())
    return Own


def test_a_layer_without_handler_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"Layer `unknown` \(Scale\) cannot be followed: no handler knows how"):
        channel_groups(steps(Scale(name="unknown")))


def test_a_function_of_the_user_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"Layer `secret` \(Lambda\) cannot be followed"):
        channel_groups(steps(layers.Lambda(lambda x: x, output_shape=(3, 2), name="secret")))


def test_a_registered_handler_follows(registered):
    model = steps(registered(name="own"), layers.Dense(1, name="read"))
    groups = channel_groups(model)
    [free] = groups.prunable
    smaller = remove_channels(model, groups, free.channels[:1])
    assert smaller.get_layer("own").numbers.shape == (1,)
    assert np.array_equal(smaller.get_layer("own").numbers, model.get_layer("own").numbers[1:])


def test_only_a_handler_can_be_registered():
    with pytest.raises(ConfigError, match=r"handler: expected a `Handler`, made\. Received: <class"):
        register_handler(Scale, ScaleHandler)


def test_classes_are_followed_as_those_that_they_derive_from():
    assert groups_of(steps(MyDense(3, name="mine"))) == ["made: 2", "mine: 3 | it is an output of the model"]


def test_what_has_the_name_of_a_keras_operation_is_not_one():
    class Relu(layers.Layer):
        """Only its name is known."""

        def call(self, x):
            return x

    with pytest.raises(ConfigError, match="cannot be followed"):
        channel_groups(steps(Relu()))


def step_of(operation, *tensors) -> Step:
    inputs = [keras.Input(shape) for shape in tensors]
    return trace(keras.Model(inputs, operation(*inputs))).steps[-1]


@pytest.mark.parametrize(("layer", "axis"), [
    (layers.MaxPooling2D(), -1), (layers.MaxPooling2D(data_format="channels_first"), -3), (layers.ReLU(), -1),
])  # fmt: skip
def test_the_axis_of_channels(layer, axis):
    assert channel_axis(layer, keras.KerasTensor((None, 4, 4, 4))) == axis


def test_an_operation_that_does_not_say_keeps_to_the_setting_of_keras():
    assert (
        channel_axis(step_of(lambda x: ops.max_pool(x, 2), (4, 4, 1)).operation, keras.KerasTensor((1, 2, 2, 1))) == -1
    )


def test_what_cannot_be_followed_stays():
    step, flow = step_of(ops.add, (2,), (2,)), Flow()
    for tensor in step.inputs:
        flow.put_channels(tensor, flow.classes.fresh(2))
    follow_not(step, flow, "because")
    assert [(each.labels.tolist(), each.reason) for each in flow.fixed] == [
        ([0, 1], "because"),
        ([2, 3], "because"),
        ([4], "because"),
    ]


def test_constants_are_arrays_among_the_arguments():
    step = step_of(lambda x: ops.add(x, np.arange(2.0)), (2,))
    assert [each.tolist() for each in constants_of(step)] == [[0.0, 1.0]]
    assert constants_of(step_of(lambda x: ops.add(x, 2.0), (2,))) == []


def test_every_operation_finds_its_handler_by_name():
    step = step_of(lambda x: ops.relu(x), (2,))
    assert type(handler_of(step)).__name__ == "Passing"
