import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.config.image_classification_config import ImageClassificationModelerConfig
from source.modeler import image_classification_modeler
from tests.modeler.conftest import CLASSES, FakeInputter, by_hand

CLOSE = {"rtol": 2e-6, "atol": 2e-7}  # float32 rounds at 6e-8; a loss is made of about ten operations
HOT = np.eye(CLASSES)[[0, 1, 2, 1]]


def test_loss_is_the_mean_cross_entropy_by_example_weight(make_modeler, batch):
    modeler = make_modeler()
    expected = by_hand(modeler, batch, HOT)
    np.testing.assert_allclose(modeler.train_step(batch)["loss"], expected.loss, **CLOSE)


def test_one_step_of_sgd_moves_the_weights_against_the_gradient(make_modeler, batch):
    modeler = make_modeler()
    expected = by_hand(modeler, batch, HOT)
    modeler.train_step(batch)
    kernel, bias = modeler.model.get_weights()
    np.testing.assert_allclose(kernel, expected.kernel - 0.1 * expected.kernel_gradient, **CLOSE)
    np.testing.assert_allclose(bias, expected.bias - 0.1 * expected.bias_gradient, **CLOSE)


def test_label_smoothing_spreads_its_share_over_all_classes(make_modeler, batch):
    modeler = make_modeler(label_smoothing=0.3)
    expected = by_hand(modeler, batch, 0.7 * HOT + 0.1)
    np.testing.assert_allclose(modeler.train_step(batch)["loss"], expected.loss, **CLOSE)


def test_soft_labels_are_shares_of_classes(make_modeler, batch):
    modeler = make_modeler()
    shares = np.array([[0.2, 0.8, 0], [0, 1, 0], [0.5, 0, 0.5], [1, 0, 0]])
    expected = by_hand(modeler, batch, shares)
    outputs = modeler.train_step(batch | {"label": tf.constant(shares, tf.float32)})
    np.testing.assert_allclose(outputs["loss"], expected.loss, **CLOSE)


def test_smoothing_soft_labels_equals_smoothing_hard_ones(make_modeler, batch):
    hard = make_modeler(label_smoothing=0.1).train_step(batch)
    soft = make_modeler(label_smoothing=0.1).train_step(batch | {"label": tf.constant(HOT, tf.float32)})
    np.testing.assert_allclose(hard["loss"], soft["loss"], **CLOSE)
    assert hard["accuracy"] == soft["accuracy"]


@pytest.mark.parametrize("soft", [False, True])
def test_class_weights_multiply_the_loss_of_their_examples(make_modeler, batch, soft):
    modeler = make_modeler(class_weights=(1, 2, 4))
    factors = np.array([1, 2, 4])[[0, 1, 2, 1]]
    weight = batch["weight"].numpy()
    expected = (weight * factors * by_hand(modeler, batch, HOT).losses).sum() / weight.sum()
    label = tf.constant(HOT, tf.float32) if soft else batch["label"]
    np.testing.assert_allclose(modeler.train_step(batch | {"label": label})["loss"], expected, **CLOSE)


def test_balanced_class_weights_come_from_the_counts_of_the_data(make_modeler, batch):
    given = make_modeler(class_weights=(12 / 6, 12 / 12, 12 / 18)).train_step(batch)["loss"]
    assert make_modeler(class_weights="balanced").train_step(batch)["loss"] == given


def test_accuracy_counts_the_largest_logit_by_example_weight(make_modeler, batch):
    modeler = make_modeler()
    predicted = modeler.predict_step(batch)["classes"].numpy()
    expected = (np.array([1, 1, 0.5, 0]) * (predicted == [0, 1, 2, 1])).sum() / 2.5
    np.testing.assert_allclose(modeler.train_step(batch)["accuracy"], expected, **CLOSE)


def test_evaluation_ignores_padding_and_weighs_the_rest(make_modeler, batch):
    modeler = make_modeler(top_k=2)
    logits = modeler.model(batch["image"]).numpy()
    label, weight = np.array([0, 1, 2, 1]), np.array([1, 1, 0.5, 0])
    modeler.evaluate_step(batch)
    modeler.evaluate_step(batch | {"weight": tf.zeros(4)})
    results = modeler.metric_results()
    assert list(results) == ["loss", "accuracy", "top_2_accuracy"]
    np.testing.assert_allclose(results["loss"], by_hand(modeler, batch, HOT).loss, **CLOSE)
    np.testing.assert_allclose(results["accuracy"], weight @ (logits.argmax(1) == label) / 2.5, **CLOSE)
    rank = (logits > logits[np.arange(4), label][:, None]).sum(1)
    np.testing.assert_allclose(results["top_2_accuracy"], weight @ (rank < 2) / 2.5, **CLOSE)


def test_confusion_matrix_has_a_row_for_each_class(make_modeler, batch):
    modeler = make_modeler()
    modeler.evaluate_step(batch)
    expected = np.zeros((3, 3), np.int64)
    for label, predicted in zip([0, 1, 2], modeler.predict_step(batch)["classes"].numpy(), strict=False):
        expected[label, predicted] += 1
    assert modeler.confusion_matrix().dtype == np.int64
    np.testing.assert_array_equal(modeler.confusion_matrix(), expected)


def test_evaluation_loss_contains_the_l2_term_that_training_minimises(make_modeler, batch):
    modeler = make_modeler(l2_weight_decay=0.5)
    modeler.evaluate_step(batch)
    evaluated = modeler.metric_results()["loss"]
    np.testing.assert_allclose(evaluated, modeler.train_step(batch)["loss"], **CLOSE)


def test_metrics_begin_anew(make_modeler, batch):
    modeler = make_modeler()
    modeler.evaluate_step(batch)
    modeler.reset_metrics()
    assert modeler.metric_results() == {"loss": 0.0, "accuracy": 0.0}
    assert modeler.confusion_matrix().sum() == 0


def test_metrics_are_the_same_objects_in_every_call(make_modeler):
    modeler = make_modeler()
    first, second = modeler.evaluation_metrics(), modeler.evaluation_metrics()
    assert list(first) == ["loss", "accuracy", "confusion_matrix"]  # no top-5 of three classes
    assert all(first[name] is second[name] for name in first)


def test_probabilities_are_the_softmax_of_the_logits(make_modeler, batch):
    modeler = make_modeler()
    logits = modeler.model(batch["image"]).numpy().astype(np.float64)
    predicted = modeler.predict_step({"image": batch["image"]})
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(predicted["probabilities"], expected, **CLOSE)
    np.testing.assert_array_equal(predicted["classes"], logits.argmax(1))
    assert predicted["classes"].dtype == tf.int64
    assert predicted["probabilities"].dtype == tf.float32


def test_data_with_another_number_of_classes_is_refused(make_modeler):
    with pytest.raises(ConfigError, match=r"num_classes: .* as the data, 3\. Received: num_classes=10\."):
        make_modeler(num_classes=10)


def test_balanced_weights_need_an_example_of_each_class(make_modeler):
    with pytest.raises(ConfigError, match="Class `bee` has none"):
        make_modeler(class_weights="balanced", inputter=FakeInputter(counts=(3, 0, 9)))


def test_build_accepts_the_configuration_of_the_task():
    modeler = image_classification_modeler.build(ImageClassificationModelerConfig(top_k=3))
    assert isinstance(modeler.config, image_classification_modeler.Config) and modeler.config.top_k == 3
