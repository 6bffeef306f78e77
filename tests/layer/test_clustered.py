"""Tests of weights that share a few numbers: which, what their gradients are, and that zeros stay."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.clustered import Clustered
from source.layer.transformation import copies_of
from tests.layer.kinds import equal

W = np.float32([[-1.0, -0.75, 0.0, 0.0], [0.5, 0.25, 1.5, 0.0]])


def made(*args, shape=W.shape, **settings):
    each = Clustered(*args, **settings)
    each.build(shape)
    each.built = True
    return each


def clustered(*args, x=W, **settings):
    each = made(*args, shape=x.shape, **settings)
    each.cluster(x)
    return each


def gradients(each, x=W) -> tuple[list, list]:
    x = tf.convert_to_tensor(x)
    weights = tf.constant([[1.0, 2.0, 4.0, 8.0], [16.0, 32.0, 64.0, 128.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(each(x, training=True) * weights)
    of_x, of_codebook = tape.gradient(y, [x, each.codebook.value])
    return (np.zeros_like(W) if of_x is None else np.asarray(of_x)).tolist(), np.asarray(of_codebook).tolist()


def test_nothing_changes_at_first():
    each = made(4)
    assert equal(each(W), W) and each.code_bits is None


def test_entries_become_the_means_of_their_clusters():
    each = clustered(4)
    # From -1, 0.25 and 1.5; zero is the fourth.
    assert np.asarray(each.codebook).tolist() == [-0.875, 0.375, 1.5]
    assert np.asarray(each(W)).tolist() == [[-0.875, -0.875, 0, 0], [0.375, 0.375, 1.5, 0]]


def test_zeros_are_clustered_like_others_on_request():
    each = clustered(3, preserve_sparsity=False)
    # From -1, 0.25 and 1.5, with borders at -0.375 and 0.875.
    middle = np.float32(0.15)
    expected = [[-0.875, -0.875, middle, middle], [middle, middle, 1.5, middle]]
    assert np.asarray(each(W)).tolist() == np.float32(expected).tolist()


def test_the_gradient_of_a_number_is_the_sum_of_those_of_its_entries():
    assert gradients(clustered(4)) == ([[0.0] * 4] * 2, [3.0, 48.0, 64.0])
    assert gradients(clustered(4, mean_gradient=True))[1] == [1.5, 24.0, 64.0]


def test_zeros_have_no_gradient_and_no_part_in_means():
    each = clustered(2, preserve_sparsity=True)
    assert gradients(each)[1] == [1 + 2 + 16 + 32 + 64]
    assert gradients(clustered(2, mean_gradient=True))[1] == [115 / 5]


def test_the_weight_may_get_gradients_too():
    of_x, of_codebook = gradients(clustered(4, reaches_weight=True))
    assert of_x == [[1, 2, 0, 0], [16, 32, 64, 0]] and of_codebook == [3, 48, 64]


def test_a_weight_of_few_numbers_keeps_them():
    assert equal(clustered(16)(W), W)
    same = np.full((2, 2), 0.5, np.float32)
    assert equal(clustered(2, x=same)(same), same)
    nothing = np.zeros((2, 2), np.float32)
    assert equal(clustered(2, x=nothing)(nothing), nothing)


@pytest.mark.parametrize("start", ["linear", "density", "random"])
@pytest.mark.parametrize("clusters", [2, 3, 16])
def test_there_are_never_more_numbers_than_clusters(start, clusters):
    x = np.random.default_rng(0).normal(size=(32, 16)).astype(np.float32)
    x[x > 1] = 0
    for preserve in (True, False):
        each = clustered(clusters, preserve_sparsity=preserve, start=start, x=x)
        found = np.asarray(each(x))
        assert len(np.unique(found)) <= clusters  # k-means loses some
        assert preserve == np.array_equal(found == 0, x == 0)
        assert equal(clustered(clusters, preserve_sparsity=preserve, start=start, x=x)(x), found)


def test_entries_go_to_the_nearest_number_anew():
    each = clustered(4)
    each.codebook.assign([1.5, -0.875, 0.375])  # in whatever order training leaves them
    each.assign_nearest(W)
    assert np.asarray(each(W)).tolist() == [[-0.875, -0.875, 0, 0], [0.375, 0.375, 1.5, 0]]
    moved = np.float32([[-1.0, 1.4, 0.0, 0.5], [0.5, 0.25, 1.5, 0.0]])
    each.assign_nearest(moved)
    assert np.asarray(each(moved)).tolist() == [[-0.875, 1.5, 0, 0.375], [0.375, 0.375, 1.5, 0]]


def test_positions_and_the_codebook_are_counted():
    each = clustered(5)
    assert each.code_bits == 3 and each.scale_bytes(W.shape) == 16
    assert clustered(5, preserve_sparsity=False).scale_bytes(W.shape) == 20
    assert each.description == "5 clusters"


def test_a_copy_has_the_same_state():
    each = clustered(3, start="random", seed=3, mean_gradient=True, reaches_weight=True)
    [copied] = copies_of([each])
    assert copied.get_config() == each.get_config() and equal(copied(W), each(W))


def test_too_few_and_too_many_clusters_are_refused():
    for clusters in (1, 5000):
        with pytest.raises(ConfigError, match=rf"`clusters` must be in \[2, 4096\]. Received: clusters={clusters}."):
            Clustered(clusters)
