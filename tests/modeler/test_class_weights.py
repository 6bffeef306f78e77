import pytest

from source.config.errors import ConfigError
from source.modeler import _class_weights


def test_given_weights_are_taken():
    assert _class_weights.class_weights((1.0, 3.0), [5, 5], ["a", "b"]) == (1.0, 3.0)


def test_no_weights_are_no_weights():
    assert _class_weights.class_weights((), [5, 5], ["a", "b"]) == ()


def test_balanced_weights_have_a_mean_of_one_over_examples():
    weights = _class_weights.class_weights("balanced", [1, 3], ["a", "b"])
    assert weights == (2.0, 4 / 6)
    assert weights[0] * 1 + weights[1] * 3 == 4


def test_balanced_weights_of_no_data_are_none():
    assert _class_weights.class_weights("balanced", [0, 0], ["a", "b"]) == ()


def test_a_class_without_examples_is_named():
    with pytest.raises(ConfigError, match=r"needs a training example of every class\. Class `b` has none"):
        _class_weights.class_weights("balanced", [2, 0], ["a", "b"])


def test_a_class_without_a_name_is_told_by_its_label():
    with pytest.raises(ConfigError, match="Class `1` has none"):
        _class_weights.class_weights("balanced", [2, 0], [])
