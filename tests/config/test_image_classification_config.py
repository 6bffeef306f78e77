import pytest

from source.config.config import InputterConfig, ModelerConfig
from source.config.errors import ConfigError
from source.config.image_classification_config import (
    ImageClassificationCallbackConfig,
    ImageClassificationInputterConfig,
    ImageClassificationModelerConfig,
)

NAMES = tuple("abcdefghij")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_height": 0}, "`image_height` must be positive. Received: image_height=0."),
        ({"image_width": 0}, "`image_width` must be positive. Received: image_width=0."),
        ({"image_depth": 2}, "`image_depth` must be 1, 3 or 4. Received: image_depth=2."),
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0."),
        ({"min_image_side": 0}, "`min_image_side` must be at least 1. Received: min_image_side=0."),
        (
            {"class_names": "cat,dog"},
            "`class_names` must be one name for each of num_classes=10. Received: class_names=('cat', 'dog').",
        ),
        ({"epochs": 0}, "`epochs` must be positive. Received: epochs=0.0."),
    ],
)
def test_refuses_data_that_cannot_be(fields, message):
    with pytest.raises(ConfigError) as caught:
        ImageClassificationInputterConfig(**fields)
    assert str(caught.value) == f"ImageClassificationInputterConfig: {message}"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0."),
        (
            {"label_smoothing": 1.0},
            "`label_smoothing` must be from 0 to below 1. Received: label_smoothing=1.0.",
        ),
        (
            {"label_smoothing": -0.1},
            "`label_smoothing` must be from 0 to below 1. Received: label_smoothing=-0.1.",
        ),
        ({"top_k": 0}, "`top_k` must be at least 1. Received: top_k=0."),
        (
            {"class_weights": (1, 2)},
            "`class_weights` must be one for each of num_classes=10. Received: class_weights=(1.0, 2.0).",
        ),
        ({"learning_rate": 0}, "`learning_rate` must be positive. Received: learning_rate=0.0."),
    ],
)
def test_refuses_a_modeler_that_cannot_be(fields, message):
    with pytest.raises(ConfigError) as caught:
        ImageClassificationModelerConfig(**fields)
    assert str(caught.value) == f"ImageClassificationModelerConfig: {message}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("balanced", "balanced"),
        ("1, 2.5", (1.0, 2.5)),
        ([1, 2.5], (1.0, 2.5)),
        ((), ()),
    ],
)
def test_class_weights_are_numbers_or_balanced(given, expected):
    assert ImageClassificationModelerConfig(num_classes=2, class_weights=given).class_weights == expected


def test_one_class_takes_one_weight():
    assert ImageClassificationModelerConfig(num_classes=1, class_weights=2).class_weights == (2.0,)


@pytest.mark.parametrize("given", ["balancd", "1,x", ""])
def test_class_weights_that_are_neither_are_refused(given):
    with pytest.raises(ConfigError) as caught:
        ImageClassificationModelerConfig(class_weights=given)
    assert str(caught.value) == (
        f"class_weights: expected numbers, one for each class, or 'balanced'. Received: {given!r}."
    )


def test_a_task_takes_over_what_the_room_knows():
    inputter = ImageClassificationInputterConfig(
        InputterConfig(epochs=3, dataset_meta="a.csv"), class_names=NAMES, image_height=28
    )
    assert (inputter.epochs, inputter.dataset_meta, inputter.image_height) == (3.0, ("a.csv",), 28)
    assert inputter.class_names == NAMES
    modeler = ImageClassificationModelerConfig(ModelerConfig(learning_rate=0.5), num_classes=100)
    assert (modeler.learning_rate, modeler.num_classes) == (0.5, 100)


def test_callbacks_may_name_the_classes():
    assert ImageClassificationCallbackConfig(class_names="cat, dog").class_names == ("cat", "dog")
