import types

import keras
import pytest

from source.config.config import NetworkConfig
from source.config.errors import ConfigError, UnknownNameError
from source.config.settings import settings
from source.modeler import _network

SHAPE = (4, 4, 1)


@settings
class WideConfig(NetworkConfig):
    """Attributes: width: of the hidden layer."""

    width: int = 2


def dense_model(inputs, num_classes, width=2, activation=None):
    x = keras.layers.Dense(width)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, keras.layers.Dense(num_classes, activation, name="head")(x))


def build_module():
    def build(config, inputs):
        return dense_model(inputs, config.num_classes, config.width)

    module = types.ModuleType("mylab")
    module.Config, module.build = WideConfig, build
    return module


def make(network, options=None, num_classes=3, name=None):
    return _network.build_model(network, name, options or {}, num_classes, SHAPE)


def net(inputs, num_classes, is_training=None, data_format="channels_first", width=2):
    if data_format != "channels_last" or is_training is not None:
        raise AssertionError((data_format, is_training))
    logits = dense_model(inputs, num_classes, width).output
    return logits, {"classes": keras.ops.argmax(logits, -1)}


def test_a_module_with_build_is_given_its_settings():
    model = make(build_module(), {"width": 5})
    assert model.output_shape == (None, 3)
    assert model.layers[2].units == 5


@pytest.mark.parametrize("as_module", [True, False])
def test_a_net_function_is_called_with_what_it_takes(as_module):
    network = net
    if as_module:
        network = types.ModuleType("mylab")
        network.net = net
    model = make(network, {"width": 7})
    assert isinstance(model, keras.Model)
    assert model.count_params() == 16 * 7 + 7 + 7 * 3 + 3


def test_a_function_that_takes_only_classes_may_return_a_model():
    def function(num_classes):
        return dense_model(keras.Input(SHAPE), num_classes)

    assert make(function).output_shape == (None, 3)


def test_a_function_of_any_arguments_gets_the_options():
    def function(inputs, **options):
        return dense_model(inputs, 3, options["width"])

    assert make(function, {"width": 4}).layers[2].units == 4


def test_a_model_is_taken_as_it_is():
    model = dense_model(keras.Input(SHAPE), 3)
    assert make(model) is model


def test_a_subclassed_model_is_built():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.flat, self.head = keras.layers.Flatten(), keras.layers.Dense(3)

        def call(self, inputs):
            return self.head(self.flat(inputs))

    model = make(Mine())
    assert model.count_params() == 16 * 3 + 3


def test_a_name_is_resolved():
    assert make(None, name="tests.modeler.tiny_network").output_shape == (None, 3)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"network `lenet55`.*`lenet5`"):
        make(None, name="lenet55")


def test_no_network_at_all_is_refused():
    with pytest.raises(ConfigError, match="network: a modeler needs a network"):
        make(None)


def test_something_else_is_refused():
    with pytest.raises(ConfigError, match=r"network: expected a module .* Received: 3\."):
        make(3)


def test_a_misspelt_option_of_a_module_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"^network_options\.widht: unknown setting\. Did you mean `width`"):
        make(build_module(), {"widht": 5})


def test_a_misspelt_option_of_a_function_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"^network_options\.widht: unknown setting\. Did you mean `width`"):
        make(net, {"widht": 5})


def test_an_argument_that_nobody_gives_is_named():
    def function(inputs, num_classes, temperature):
        return dense_model(inputs, num_classes)

    with pytest.raises(ConfigError, match=r"network_options\.temperature: the network's function needs"):
        make(function)


def test_options_for_a_model_are_refused():
    with pytest.raises(ConfigError, match=r"network_options\.width: a model that is built already takes no options"):
        make(dense_model(keras.Input(SHAPE), 3), {"width": 3})


def test_a_function_that_returns_something_else_is_refused():
    with pytest.raises(ConfigError, match=r"must return a keras\.Model, logits, or"):
        make(lambda inputs: "nothing")


def test_another_number_of_classes_is_refused():
    with pytest.raises(ConfigError, match=r"of shape \(None, 5\).*Received: output_shape=\(None, 3\)"):
        make(dense_model(keras.Input(SHAPE), 3), num_classes=5)


def test_another_size_of_images_is_refused():
    with pytest.raises(ConfigError, match=r"take images of \(4, 4, 1\)\. Received: input_shape=\(None, 8, 8, 1\)"):
        make(dense_model(keras.Input((8, 8, 1)), 3))


def test_a_model_of_vectors_is_refused():
    vectors = keras.Input((16,))
    with pytest.raises(ConfigError, match=r"input_shape=\(None, 16\)"):
        make(keras.Model(vectors, keras.layers.Dense(3)(vectors)))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_probabilities_in_the_place_of_logits_are_refused(activation):
    message = f"must return logits, but its last layer `head` applies {activation}"
    with pytest.raises(ConfigError, match=message):
        make(dense_model(keras.Input(SHAPE), 3, activation=activation))


def test_probabilities_are_found_behind_casts_and_in_nested_models():
    inputs = keras.Input(SHAPE)
    inner = dense_model(keras.Input(SHAPE), 3, activation="softmax")
    outputs = keras.layers.Activation("linear", dtype="float32")(inner(inputs))
    with pytest.raises(ConfigError, match="`head` applies softmax"):
        make(keras.Model(inputs, outputs))


def test_a_softmax_layer_is_found():
    inputs = keras.Input(SHAPE)
    outputs = keras.layers.Softmax(name="probabilities")(dense_model(inputs, 3).output)
    with pytest.raises(ConfigError, match="`probabilities` applies softmax"):
        make(keras.Model(inputs, outputs))


@pytest.mark.parametrize(
    ("policy", "precision"),
    [("float32", "mixed_bfloat16"), ("mixed_float16", "float32"), ("mixed_bfloat16", "mixed_float16")],
)
def test_a_built_model_of_another_precision_is_refused(policy, precision):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Dense(3, dtype=policy)(keras.layers.Flatten()(inputs)))
    _network.check_precision(model, policy)
    computed = policy.removeprefix("mixed_")
    with pytest.raises(ConfigError, match=rf"precision: the model works in {computed}\..*'{precision}'"):
        _network.check_precision(model, precision)
