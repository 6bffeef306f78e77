"""Tests of ResNet-56 for small images."""

import pytest

from source.network import resnet56
from tests.network.counting import images, multiplications, total, trainable

# Table 6 of https://arxiv.org/abs/1512.03385 gives 0.85 M parameters.


@pytest.mark.parametrize(
    ("shortcut", "parameters", "statistics", "macs"),
    [("A", 853_018, 4_064, 125_485_696), ("B", 855_770, 4_256, 125_747_840)],
)
def test_layers_and_counts_are_those_of_the_paper(shortcut, parameters, statistics, macs):
    model = resnet56.build(resnet56.Config(shortcut=shortcut), images(32, 32, 3))
    assert trainable(model) == parameters
    assert total(model) == parameters + statistics
    assert multiplications(model) == macs
    weighted = [layer.name for layer in model.layers if "conv" in layer.name and layer.weights]
    projections = 2 if shortcut == "B" else 0
    assert len(weighted) + 1 == 56 + projections
    assert model.name == "resnet56"
