"""Tests of ResNet-110 for small images."""

import pytest

from source.network import resnet110
from tests.network.counting import images, multiplications, total, trainable

# Table 6 of https://arxiv.org/abs/1512.03385 gives 1.7 M parameters.


@pytest.mark.parametrize(
    ("shortcut", "parameters", "statistics", "macs"),
    [("A", 1_727_962, 8_096, 252_887_680), ("B", 1_730_714, 8_288, 253_149_824)],
)
def test_layers_and_counts_are_those_of_the_paper(shortcut, parameters, statistics, macs):
    model = resnet110.build(resnet110.Config(shortcut=shortcut), images(32, 32, 3))
    assert trainable(model) == parameters
    assert total(model) == parameters + statistics
    assert multiplications(model) == macs
    weighted = [layer.name for layer in model.layers if "conv" in layer.name and layer.weights]
    projections = 2 if shortcut == "B" else 0
    assert len(weighted) + 1 == 110 + projections
    assert model.name == "resnet110"
