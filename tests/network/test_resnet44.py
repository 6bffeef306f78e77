"""Tests of ResNet-44 for small images."""

import pytest

from source.network import resnet44
from tests.network.counting import images, multiplications, total, trainable

# Table 6 of https://arxiv.org/abs/1512.03385 gives 0.66 M parameters.


@pytest.mark.parametrize(
    ("shortcut", "parameters", "statistics", "macs"),
    [("A", 658_586, 3_168, 97_174_144), ("B", 661_338, 3_360, 97_436_288)],
)
def test_layers_and_counts_are_those_of_the_paper(shortcut, parameters, statistics, macs):
    model = resnet44.build(resnet44.Config(shortcut=shortcut), images(32, 32, 3))
    assert trainable(model) == parameters
    assert total(model) == parameters + statistics
    assert multiplications(model) == macs
    weighted = [layer.name for layer in model.layers if "conv" in layer.name and layer.weights]
    projections = 2 if shortcut == "B" else 0
    assert len(weighted) + 1 == 44 + projections
    assert model.name == "resnet44"
