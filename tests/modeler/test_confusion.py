import numpy as np
import tensorflow as tf

from source.modeler import _confusion


def test_rows_are_classes_and_columns_predictions():
    metric = _confusion.ConfusionMatrix(3)
    metric.update_state(tf.constant([0, 0, 2]), tf.constant([0, 1, 1]))
    metric.update_state(tf.constant([0, 2]), tf.constant([1, 2]))
    np.testing.assert_array_equal(metric.result(), [[1, 2, 0], [0, 0, 0], [0, 1, 1]])
    assert metric.result().dtype == tf.int64


def test_examples_without_weight_do_not_count():
    metric = _confusion.ConfusionMatrix(2)
    metric.update_state(tf.constant([0, 1, 1]), tf.constant([0, 1, 0]), tf.constant([1.0, 0.25, 0.0]))
    np.testing.assert_array_equal(metric.result(), [[1, 0], [0, 1]])


def test_it_is_rebuilt_from_its_configuration():
    metric = _confusion.ConfusionMatrix.from_config(_confusion.ConfusionMatrix(4, name="c").get_config())
    assert (metric.num_classes, metric.name) == (4, "c")
