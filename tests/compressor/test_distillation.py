"""Tests of distillation: whose logits teach, when, and that nothing of it remains."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import CheckpointError, ConfigError
from tests.compressor import small_models

X = np.random.default_rng(4).normal(size=(8, 6, 6, 3)).astype("float32")


def test_outputs_are_those_of_the_model():
    model = small_models.images()
    np.testing.assert_array_equal(compressor("distillation").prepare(model)(X), model(X))


def test_a_student_moves_towards_its_teacher():
    teacher = small_models.images()
    made = compressor("distillation", teacher=teacher, strength=100.0, temperature=1.0)
    student = small_models.compiled(made.prepare(small_models.images()))
    labels = np.zeros((8, 4), "float32")
    losses = [float(student.train_on_batch(X, labels)) for _ in range(10)]
    assert losses[-1] < losses[0]


def test_the_teacher_is_not_trained():
    made = compressor("distillation")
    model = small_models.compiled(made.prepare(small_models.images()))
    before = [weight.numpy() for weight in made.teacher.weights]
    small_models.fit(model, [made.keras_callback()])
    for weight, value in zip(made.teacher.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_finishing_leaves_the_plain_model():
    made = compressor("distillation")
    model = made.prepare(small_models.images())
    finished = made.finish(model)
    assert "distillation_loss" not in [layer.name for layer in finished.layers]
    np.testing.assert_array_equal(finished(X), model(X))


def test_a_teacher_is_loaded_from_a_file(tmp_path):
    teacher = small_models.images()
    teacher.save(tmp_path / "teacher.keras")
    made = compressor("distillation", teacher=str(tmp_path / "teacher.keras"))
    made.prepare(small_models.images())
    np.testing.assert_array_equal(made.teacher(X), teacher(X))


def test_a_loaded_student_needs_its_teacher_by_name(tmp_path):
    compressor("distillation").prepare(small_models.images()).save(tmp_path / "student.keras")
    loaded = keras.models.load_model(tmp_path / "student.keras")
    with pytest.raises(ConfigError, match="the teacher was the model before it was prepared"):
        compressor("distillation").attach(loaded)
    compressor("distillation", teacher=small_models.images()).attach(loaded)
    small_models.compiled(loaded).train_on_batch(X, np.zeros((8, 4)))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"strength": 0.0}, ConfigError, "`strength` must be positive"),
        ({"temperature": -1.0}, ConfigError, "`temperature` must be positive"),
        ({"teacher": "nowhere.keras"}, CheckpointError, "there is no file `nowhere.keras`"),
        ({"rules": [{"match": {}, "do": "skip"}]}, ConfigError, "`rules` must be empty"),
    ],
)
def test_what_cannot_be_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        compressor("distillation", **settings).prepare(small_models.images())


def test_teacher_and_student_have_the_same_shape_of_logits():
    made = compressor("distillation", teacher=small_models.dense(np.eye(3)))
    with pytest.raises(ConfigError, match=r"must have one output of the same shape, logits. Received: outputs of"):
        made.prepare(small_models.images())


def test_a_model_has_one_teacher():
    taught = compressor("distillation").prepare(small_models.images())
    with pytest.raises(ConfigError, match="learns from a teacher already"):
        compressor("distillation").prepare(taught)
