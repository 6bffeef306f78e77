"""Tests of models built from Darknet `.cfg` files."""

import keras
import numpy as np
import pytest
from PIL import Image

from source.config.errors import ConfigError
from source.modeler.importing import darknet_model
from source.modeler.importing.import_weights import import_weights, weights_of

NET = "[net]\nheight=6\nwidth=6\nchannels=4\n"


def build(folder, text):
    (folder / "net-1.cfg").write_text(NET + text)
    return darknet_model.build(str(folder / "net-1.cfg"))


def test_layers_are_called_by_their_numbers(tmp_path):
    text = "[convolutional]\nfilters=4\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=leaky\n"
    text += "[convolutional]\nfilters=4\ngroups=4\nsize=3\npad=1\nactivation=relu\n[avgpool]\n[connected]\noutput=2\n"
    model = build(tmp_path, text + "activation=linear\n[softmax]")
    assert [layer.name for layer in model.layers] == [
        *("picture", "layer0_pad", "layer0", "layer0_norm", "layer0_leaky", "layer1", "layer1_relu", "layer2"),
        *("layer3_channels_first", "layer3_flat", "layer3", "layer4"),
    ]
    assert isinstance(model.get_layer("layer1"), keras.layers.DepthwiseConv2D)
    assert "layer0/bias" not in weights_of(model)
    assert (model.name, model.output_shape) == ("net_1", (None, 2))


def test_heads_are_the_outputs_as_they_come_in(tmp_path):
    text = "[convolutional]\nfilters=3\nactivation=linear\n[yolo]\n[route]\nlayers=-2\n[upsample]\nstride=2\n[yolo]"
    assert build(tmp_path, text).output_shape == [(None, 6, 6, 3), (None, 12, 12, 3)]


def test_routes_join_and_cut_channels_and_shortcuts_add(tmp_path):
    text = "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n[route]\nlayers=0,0\n[shortcut]\nfrom=1\nactivation=linear"
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 4)).astype(np.float32)
    expected = 2 * np.concatenate([x[..., 2:], x[..., 2:]], axis=-1)
    np.testing.assert_array_equal(build(tmp_path, text).predict(x, verbose=0), expected)


def test_channels_are_scaled_and_dropped(tmp_path):
    text = (
        "[dropout]\nprobability=.1\n[avgpool]\n[scale_channels]\nfrom=0\nactivation=linear\n[maxpool]\nsize=2\nstride=2"
    )
    x = np.ones((1, 6, 6, 4), np.float32) * np.float32([1, 2, 3, 4])
    np.testing.assert_array_equal(build(tmp_path, text).predict(x, verbose=0)[0, 2, 2], [1, 4, 9, 16])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[reorg]\nstride=2", r"layer 0 is \[reorg\], for which there is no Keras layer here\."),
        ("[maxpool]\nsize=3\nstride=2", r"layer 0 \[maxpool\]: expected stride 1, or size 2 and stride 2\."),
        ("[convolutional]\nactivation=hardtan", r"layer 0 \[convolutional\]: no activation is called hardtan here\."),
        ("[dropout]\nprobability=2", r"probability must be from 0 to below 1\."),
        ("[avgpool]\n[shortcut]\nfrom=-1\n[shortcut]\nfrom=0\n[upsample]\n[shortcut]\nfrom=0", "inputs of one shape"),
        ("[lstm]", r"layer 0 of the \.cfg file is \[lstm\], which is not understood\."),
    ],
)
def test_what_cannot_be_built_is_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        build(tmp_path, text)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"^none\.cfg: .*No such file"):
        darknet_model.build("none.cfg")


def test_dense_layers_see_channels_in_the_order_of_darknet(tmp_path):
    model = build(tmp_path, "[connected]\noutput=144\nactivation=linear")
    numbers = np.concatenate([np.zeros(144), np.eye(144).ravel()]).astype("<f4")
    (tmp_path / "net-1.weights").write_bytes(np.array([0, 2, 5, 0, 0], "<i4").tobytes() + numbers.tobytes())
    import_weights(model, tmp_path / "net-1.weights", "darknet", may_miss=[])
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 4)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x, verbose=0)[0], x[0].transpose(2, 0, 1).ravel(), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.data
def test_yolo_fastest_sees_what_is_there(data_folder):
    folder = data_folder / "pretrained" / "yolo_fastest"
    model = darknet_model.build(str(folder / "yolo-fastest-1.1.cfg"))
    assert model.count_params() == 346_062
    assert import_weights(model, folder / "yolo-fastest-1.1.weights", "darknet").counts() == "414 taken"
    names = (folder / "coco.names").read_text().split("\n")
    for picture, seen, least in (("giraffe", "giraffe", 0.9), ("horses", "horse", 0.8), ("dog", "car", 0.85)):
        image = Image.open(folder / f"{picture}.jpg").convert("RGB").resize((320, 320), Image.BILINEAR)
        heads = model.predict(np.asarray(image, np.float32)[None] / 255, verbose=0)
        rows = 1 / (1 + np.exp(-np.concatenate([head.reshape(-1, 85) for head in heads])))
        scores = (rows[:, 4:5] * rows[:, 5:]).max(axis=0)
        assert names[scores.argmax()] == seen
        assert scores.max() > least
