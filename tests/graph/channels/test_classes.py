"""Tests of labels that stand for the same thing."""

import itertools

import numpy as np

from source.graph.channels.classes import Classes


def test_new_labels_are_classes_of_their_own():
    classes = Classes()
    assert classes.fresh(2).tolist() == [0, 1]
    assert classes.fresh(3).tolist() == [2, 3, 4]
    assert len(classes) == 5
    assert classes.find(np.arange(5)).tolist() == [0, 1, 2, 3, 4]


def test_a_class_is_known_by_its_smallest_label():
    classes = Classes()
    labels = classes.fresh(6)
    classes.tie(labels[4:], labels[1:3])
    classes.tie(labels[5], labels[0])
    assert classes.find(labels).tolist() == [0, 1, 0, 3, 1, 0]


def test_one_label_is_tied_to_several_at_once():
    classes = Classes()
    labels = classes.fresh(4)
    classes.tie(np.array([3, 3, 3]), np.array([2, 1, 0]))
    assert classes.find(labels).tolist() == [0, 0, 0, 0]


def test_chains_are_followed_to_their_end():
    classes = Classes()
    labels = classes.fresh(8)
    for above, below in itertools.pairwise(labels):
        classes.tie(below, above)
    assert classes.find(labels).tolist() == [0] * 8


def test_shapes_are_spread():
    classes = Classes()
    labels = classes.fresh(6).reshape(2, 3)
    classes.tie(labels, labels[:1])
    assert classes.find(labels).tolist() == [[0, 1, 2], [0, 1, 2]]
