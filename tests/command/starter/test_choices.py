"""Tests of what is chosen for a data set."""

import pytest

from source.command.starter.choices import choose
from source.command.starter.found import Found, Shapes


def found(count: int = 240, sizes=((128, 200), (130, 128)), depth: int = 3, evaluate: int = 0) -> Found:
    shapes = Shapes(sizes=list(sizes), depth=depth)
    return Found(inputter="x", train="t", classes=("a", "b"), counts={"a": (count, evaluate)}, shapes=shapes)


def test_photographs_become_smaller_and_are_cut_at_random():
    chosen = choose(found())
    assert (chosen.height, chosen.width, chosen.depth) == (64, 64, 3)
    assert chosen.augmenter == {"name": "inception_augmenter", "area_low": 0.3, "flip": True, "color": True}
    assert chosen.held_out == 0.2


def test_small_pictures_of_one_size_stay_as_they_are():
    chosen = choose(found(sizes=((28, 32),), depth=1, evaluate=10))
    assert (chosen.height, chosen.width, chosen.depth) == (28, 32, 1)
    assert chosen.augmenter["name"] == "cifar_augmenter"
    assert (chosen.augmenter["pad"], chosen.augmenter["flip"]) == (3, False)
    assert chosen.held_out == 0.0


@pytest.mark.parametrize(
    ("count", "network", "batch", "epochs"),
    [(240, "resnet8", 16, 60), (800, "resnet8", 32, 60), (3000, "resnet20", 32, 16), (90_000, "resnet20", 32, 10)],
)
def test_the_more_pictures_the_larger_the_network_and_the_fewer_epochs(count, network, batch, epochs):
    chosen = choose(found(count))
    assert (chosen.network, chosen.batch, chosen.epochs) == (network, batch, epochs)


def test_somebody_may_say_otherwise():
    chosen = choose(found(), network="lenet5", size=32, epochs=3, mirror=False)
    assert (chosen.network, chosen.height, chosen.epochs) == ("lenet5", 32, 3)
    assert chosen.augmenter["flip"] is False


def test_a_network_with_a_size_of_its_own_keeps_it():
    assert choose(found(), network="resnet50", sized=True).height is None
    assert choose(found(), network="resnet50", sized=True, size=96).height == 96
