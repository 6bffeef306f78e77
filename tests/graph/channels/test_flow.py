"""Tests of what is known of channels on the way."""

import keras
import numpy as np

from source.graph.channels.flow import Flow


def tensor(*shape: int | None) -> keras.KerasTensor:
    return keras.KerasTensor((None, *shape))


def test_labels_of_a_tensor_have_an_axis_for_each_of_its_own():
    flow, x = Flow(), tensor(4, 5, 3)
    flow.put_channels(x, flow.classes.fresh(3))
    assert flow.of(x).tolist() == [[[0, 1, 2]]]
    assert flow.whole(x).shape == (4, 5, 3)
    assert flow.axis_of(x) == -1
    assert flow.channels(x).tolist() == [0, 1, 2]


def test_channels_may_be_along_any_axis():
    flow, x = Flow(), tensor(3, 4, 5)
    flow.put_channels(x, flow.classes.fresh(3), axis=-3)
    assert flow.of(x).shape == (3, 1, 1)
    assert flow.axis_of(x) == -3
    assert flow.channels(x, -3).tolist() == [0, 1, 2]


def test_where_a_length_is_free_there_is_no_whole():
    flow, x = Flow(), tensor(None, 2)
    flow.put_channels(x, flow.classes.fresh(2))
    assert flow.whole(x) is None
    assert flow.channels(x).tolist() == [0, 1]


def test_a_number_for_each_example_has_one_label():
    flow, x = Flow(), tensor()
    flow.put_channels(x, flow.classes.fresh(1))
    assert flow.of(x).shape == ()


def test_what_differs_from_place_to_place_is_tied():
    flow, x = Flow(), tensor(2, 3)
    flow.put(x, flow.classes.fresh(6).reshape(2, 3))
    assert flow.channels(x).tolist() == [0, 1, 2]
    assert flow.classes.find(np.arange(6)).tolist() == [0, 1, 2, 0, 1, 2]


def test_labels_that_moved_are_tied_to_whole_lines():
    flow, x = Flow(), tensor(2, 3)
    flow.put_moved(x, flow.classes.fresh(6).reshape(2, 3), "reshape")
    assert flow.of(x).tolist() == [[0, 1, 2]]
    assert flow.classes.find(np.arange(6)).tolist() == [0, 1, 2, 0, 1, 2]


def test_a_second_call_that_moves_ties_what_it_moves_with_the_first():
    flow = Flow()
    for _ in range(2):
        flow.put_moved(tensor(3), flow.classes.fresh(3), "flatten")
    assert flow.classes.find(np.arange(6)).tolist() == [0, 1, 2, 0, 1, 2]


def test_a_second_call_of_another_shape_keeps_both():
    flow = Flow()
    flow.put_moved(tensor(3), flow.classes.fresh(3), "flatten")
    flow.put_moved(tensor(2), flow.classes.fresh(2), "flatten")
    assert [each.reason for each in flow.fixed] == ["`flatten` moves them to several shapes"] * 2


def test_the_axes_along_which_all_are_the_same_are_narrowed():
    flow = Flow()
    labels = flow.classes.fresh(4)
    flow.classes.tie(labels[2:], labels[:2])
    assert flow.narrowed(labels.reshape(2, 2)).tolist() == [[0, 1]]


def test_a_layer_makes_its_channels_once():
    flow = Flow()
    assert flow.made_by("conv", 2) is flow.made_by("conv", 2)
    assert list(flow.producers) == ["conv"]


def test_a_site_is_known_by_the_path_of_the_weight_and_tied_at_the_second_call():
    flow, layer = Flow(), keras.layers.Dense(2)
    layer.build((None, 3))
    first, second = flow.classes.fresh(2), flow.classes.fresh(2)
    flow.site("dense", layer, "kernel", 1, first)
    flow.site("dense", layer, layer.kernel, 1, second)
    [site] = flow.sites
    assert (site.path, site.layer, site.weight, site.axis) == ("dense", layer, "kernel", 1)
    assert flow.classes.find(second).tolist() == first.tolist()


def test_sites_found_inside_a_layer_are_its_own():
    flow, outer = Flow(), keras.layers.Bidirectional(keras.layers.SimpleRNN(1))
    outer.build((None, 2, 3))
    with flow.inside(outer):
        inner = outer.forward_layer
        flow.site("outer", inner, inner.cell.kernel, 1, flow.classes.fresh(1))
    [site] = flow.sites
    assert site.layer is outer
    assert site.weight.endswith("simple_rnn_cell/kernel")


def test_reasons_are_noted_with_their_labels():
    flow, x = Flow(), tensor(2, 3)
    flow.fix(flow.classes.fresh(2), "it is an output")
    flow.doubt(flow.classes.fresh(1), "others change")
    flow.put_opaque(x, "nobody knows")
    assert [(each.labels.tolist(), each.reason) for each in flow.fixed] == [
        ([0, 1], "it is an output"),
        ([3], "nobody knows"),
    ]
    assert [(each.labels.tolist(), each.reason) for each in flow.uneasy] == [([2], "others change")]
    assert flow.of(x).tolist() == [[3]]
