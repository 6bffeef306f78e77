"""Tests of what a Caffe `.prototxt` file says of convolutions."""

import pytest

from source.modeler.importing import caffe_layout

INPUT = 'name: "net" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8 # note\n'


def layer(name, kind, bottoms, options="", top=None):
    reads = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    return f'layer {{ name: "{name}" type: "{kind}" {reads} top: "{top or name}" {options} }}\n'


def convolution(name, bottom, options):
    return layer(name, "Convolution", [bottom], f"convolution_param {{ {options} }}")


def test_shapes_follow_the_blobs():
    text = INPUT + convolution("a", "data", "num_output: 4 kernel_size: 3 weight_filler { std: 0.1 mean: -1e-3 }")
    text += layer("relu", "ReLU", ["a"], top="a") + convolution("b", "a", "num_output: 2 kernel_h: 1 kernel_w: 5")
    text += layer("both", "Concat", ["a", "b"]) + convolution("c", "both", "num_output: 6 kernel_size: 1 group: 3")
    assert caffe_layout.convolutions(text) == {"a": (4, 3, 3, 3), "b": (2, 4, 1, 5), "c": (6, 2, 1, 1)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (layer("a", "ReLU", ["b"]), "layer a reads b, which no layer before it gives"),
        (layer("a", "InnerProduct", ["data"]), "layer a: expected weights in convolutions only"),
        (
            convolution("a", "data", "kernel_size: 3"),
            "layer a: num_output must be a positive whole number. Received: 0",
        ),
        (convolution("a", "data", "num_output: 4 kernel_size: 1 group: 2"), "2 groups do not divide 3 channels"),
        ("layer {", "ends inside a bracket"),
        ("layer { name: }", "cannot be understood at name :"),
        ("layer { name ; }", "cannot be understood at name ;"),
        ("§", "cannot be understood at .*§"),
        ("a {" * 30, "nested too deeply"),
    ],
)
def test_what_is_not_understood_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        caffe_layout.convolutions(INPUT + text)


def test_the_input_must_have_four_lengths():
    with pytest.raises(ValueError, match="expected four numbers `input_dim`"):
        caffe_layout.convolutions('input: "data"')
    shape = 'input: "data" input_shape { dim: 1 dim: 2 dim: 4 dim: 4 }' + convolution(
        "a", "data", "num_output: 1 kernel_size: 1"
    )
    assert caffe_layout.convolutions(shape) == {"a": (1, 2, 1, 1)}
