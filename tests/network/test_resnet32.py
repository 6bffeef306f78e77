"""Tests of ResNet-32 for small images."""

import pytest

from source.network import resnet32
from tests.network.counting import images, multiplications, total, trainable

# Table 6 of https://arxiv.org/abs/1512.03385 gives 0.46 M parameters.


@pytest.mark.parametrize(
    ("shortcut", "parameters", "statistics", "macs"),
    [("A", 464_154, 2_272, 68_862_592), ("B", 466_906, 2_464, 69_124_736)],
)
def test_layers_and_counts_are_those_of_the_paper(shortcut, parameters, statistics, macs):
    model = resnet32.build(resnet32.Config(shortcut=shortcut), images(32, 32, 3))
    assert trainable(model) == parameters
    assert total(model) == parameters + statistics
    assert multiplications(model) == macs
    weighted = [layer.name for layer in model.layers if "conv" in layer.name and layer.weights]
    projections = 2 if shortcut == "B" else 0
    assert len(weighted) + 1 == 32 + projections
    assert model.name == "resnet32"
