"""Tests of what a Darknet `.cfg` file says."""

import pytest

from source.modeler.importing import darknet_layout

NET = "[net]\nheight=8\nwidth=6\nchannels=3\n"


def parse(text):
    return darknet_layout.parse(NET + text)[0]


def outputs(text):
    return [layer.output for layer in parse(text)]


def test_a_convolution_says_its_arrays_in_the_order_of_the_file():
    [layer] = parse("[convolutional]\nfilters=4\nsize=3\nstride=2\npad=1\nbatch_normalize=1\n# note\nactivation=leaky")
    assert layer.output == (4, 3, 4)
    assert list(layer.arrays.items()) == [
        ("norm.biases", (4,)),
        ("norm.scales", (4,)),
        ("norm.rolling_mean", (4,)),
        ("norm.rolling_variance", (4,)),
        ("weights", (4, 3, 3, 3)),
    ]
    assert layer.options["activation"] == "leaky"


def test_groups_divide_the_inputs_of_a_convolution():
    assert parse("[convolutional]\nfilters=6\nsize=3\ngroups=3\npad=1")[0].arrays["weights"] == (6, 1, 3, 3)
    depthwise = parse("[convolutional]\nfilters=3\nsize=3\ngroups=3\npad=1")[0]
    assert dict(depthwise.arrays) == {"biases": (3,), "depthwise_weights": (3, 1, 3, 3)}
    with pytest.raises(ValueError, match="layer 0: 2 groups divide neither 3 channels nor 6 filters"):
        parse("[convolutional]\nfilters=6\ngroups=2")


def test_a_dense_layer_sees_all_pixels():
    [layer] = parse("[connected]\noutput=5")
    assert (layer.output, dict(layer.arrays)) == ((1, 1, 5), {"biases": (5,), "weights": (5, 144)})


def test_shapes_follow_pools_routes_and_upsampling():
    text = "[maxpool]\nsize=2\nstride=2\n[upsample]\nstride=2\n[route]\nlayers=-1,0\n[route]\nlayers=1\ngroups=3\n"
    with pytest.raises(ValueError, match=r"layer 4 \[shortcut\] reads a layer that is not before it: 9"):
        parse(text + "[shortcut]\nfrom=9")
    assert outputs(text + "[reorg]\nstride=2\n[avgpool]\n[softmax]") == [
        *((4, 3, 3), (8, 6, 3), (8, 6, 6), (8, 6, 1)),
        *((4, 3, 4), (1, 1, 4), (1, 1, 4)),
    ]


def test_the_picture_is_that_of_the_net():
    assert darknet_layout.parse(NET)[1] == (8, 6, 3)


def test_scales_of_channels_have_the_shape_of_what_they_scale():
    assert outputs("[convolutional]\nfilters=3\n[avgpool]\n[scale_channels]\nfrom=0")[2] == (8, 6, 3)


def test_what_a_layer_reads_is_known():
    layers = parse("[dropout]\n[shortcut]\nfrom=-1\n[route]\nlayers=0,-1")
    assert [layer.inputs for layer in layers] == [(-1,), (0, 0), (0, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[lstm]", r"layer 0 of the \.cfg file is \[lstm\], which is not understood"),
        ("[convolutional]\nfilters=many", r"layer 0 \[convolutional\]: filters must be a whole number. Received: many"),
        ("[convolutional]\nfilters=99999999", "filters must be a whole number"),
        ("[convolutional]\nstride=0", "stride must be positive"),
        ("[route]\nlayers=x", r"layer 0 \[route\]: expected numbers of layers. Received: 'x'"),
        ("no section", r"line 5 of the \.cfg file: expected \[section\] or name=value. Received: no section"),
    ],
)
def test_what_is_not_understood_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_the_file_begins_with_the_net():
    with pytest.raises(ValueError, match=r"must begin with \[net\]"):
        darknet_layout.parse("[convolutional]\nfilters=3")
