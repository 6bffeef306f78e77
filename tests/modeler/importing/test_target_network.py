"""Tests of the network that weights are for."""

import pytest

from source.config.errors import ConfigError, UnknownNameError
from source.modeler.importing import target_network


def test_a_plugin_is_built_with_its_settings():
    model = target_network.build("lenet5", {"num_classes": "7"}, (28, 28, 1))
    assert (model.input_shape, model.output_shape) == ((None, 28, 28, 1), (None, 7))


def test_a_recipe_says_network_and_shape(tmp_path):
    text = "image_height: 20\nimage_width: 24\nimage_depth: 2\nnum_classes: 5\nnetwork: {name: lenet5, dropout: 0.1}\n"
    (tmp_path / "r.yaml").write_text(text)
    assert target_network.described(str(tmp_path / "r.yaml")) == (
        "lenet5",
        {"dropout": 0.1, "num_classes": 5},
        (20, 24, 2),
    )
    model = target_network.build(str(tmp_path / "r.yaml"), {"num_classes": 3}, ())
    assert (model.input_shape, model.output_shape) == ((None, 20, 24, 2), (None, 3))


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UnknownNameError, match="network `lenet`: no plugin has this name"):
        target_network.described("lenet")
    with pytest.raises(ConfigError, match=r"^input_shape: expected the shape of a picture that lenet5 takes"):
        target_network.build("lenet5", {}, ())
    with pytest.raises(ConfigError, match=r"^none\.yaml: there is no such recipe file"):
        target_network.described("none.yaml")
    (tmp_path / "r.yaml").write_text("network: 5")
    with pytest.raises(ConfigError, match=r"expected a recipe with a network\. Received: network=5"):
        target_network.described(str(tmp_path / "r.yaml"))


def test_a_darknet_file_says_all_itself(tmp_path):
    path = str(tmp_path / "n.cfg")
    (tmp_path / "n.cfg").write_text(
        "[net]\nheight=4\nwidth=4\nchannels=1\n[convolutional]\nfilters=2\nactivation=linear"
    )
    assert target_network.described(path) == (path, {}, ())
    assert target_network.build(path, {}, ()).output_shape == (None, 4, 4, 2)
    with pytest.raises(ConfigError, match=r"n\.cfg: expected no settings: a \.cfg file says all itself"):
        target_network.build(path, {"num_classes": 3}, ())
