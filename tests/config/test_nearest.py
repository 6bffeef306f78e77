import pytest

from source.config.nearest import did_you_mean, nearest

NETWORKS = ["cifarnet", "inception_v4", "lenet5", "resnet20", "resnet32", "resnet_v2_32"]


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("resnet_20", NETWORKS, "resnet20"),
        ("lenet", NETWORKS, "lenet5"),
        ("LeNet5", NETWORKS, "lenet5"),
        ("inceptionv4", NETWORKS, "inception_v4"),
        ("evl", ["train", "evaluate", "infer", "export"], "evaluate"),
        ("csvlogger", ["History", "CSVLogger"], "CSVLogger"),
    ],
)
def test_the_nearest_name_comes_first(name, known, expected):
    assert nearest(name, known)[0] == expected


def test_offers_at_most_as_many_as_wanted():
    known = ["resnet110", "resnet56", "resnet44", "resnet32", "resnet20"]
    assert nearest("resnet", known) == ["resnet20", "resnet32", "resnet44"]
    assert nearest("resnet", known, limit=1) == ["resnet20"]


def test_offers_only_what_is_about_as_near_as_the_nearest():
    assert nearest("heigth", ["height", "either"]) == ["height"]
    assert nearest("eithr", ["height", "either"]) == ["either"]


def test_offers_nothing_that_is_not_similar():
    assert nearest("xyz", NETWORKS) == []
    assert nearest("xyz", []) == []


def test_asks_whether_the_nearest_are_meant():
    assert did_you_mean("lenet", ["lenet5"]) == "Did you mean `lenet5`?"
    assert did_you_mean("resnet2", ["resnet20", "resnet32"]) == "Did you mean `resnet20` or `resnet32`?"


def test_lists_what_is_known_when_nothing_is_similar():
    assert did_you_mean("xyz", iter(["b", "a", "b"])) == "Known: a, b."
    assert did_you_mean("xyz", []) == "None is known."


def test_lists_at_most_twelve():
    known = [f"{letter}{letter}" for letter in "abcdefghijklmn"]
    text = did_you_mean("zzzz", known)
    assert text == "Known: aa, bb, cc, dd, ee, ff, gg, hh, ii, jj, kk, ll and 2 more."
    assert did_you_mean("zzzz", known[:12]) == "Known: aa, bb, cc, dd, ee, ff, gg, hh, ii, jj, kk, ll."
