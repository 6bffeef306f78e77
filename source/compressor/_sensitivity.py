"""Which layers bear a narrower number format: a greedy search under a budget."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import keras
import numpy as np

from source.compressor import _calibration
from source.compressor._layer_names import named_layers

Metric = Literal["sqnr", "kl"]


@dataclasses.dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes:
        choices: name of each layer to its format.
        losses: name of each layer to what its formats cost when it alone has them and all others the widest, as far as
            that was measured; noise over signal, or divergence.
        cost: what the budget is about, with these choices.
        least: the same with the narrowest format everywhere.
    """

    choices: dict[str, str]
    losses: dict[str, dict[str, float]]
    cost: int
    least: int


def greedy(
    names: Sequence[str],
    candidates: Sequence[str],
    costs: Sequence[Sequence[int]],
    fixed: int,
    budget: int,
    loss: Callable[[int, int], float],
) -> Search:
    """Returns formats that meet a budget.

    All layers begin with the widest format. As long as the budget is not met, the layer is lowered whose next format
    that saves something costs the least loss for what it saves; of equal ones the earlier.

    Args:
        names: of the layers.
        candidates: formats, the widest first.
        costs: of each layer with each format.
        fixed: cost of all else.
        budget: to be met; not less than the narrowest formats cost.
        loss: returns what it costs that a layer alone has a format.
    """
    measured: list[dict[int, float]] = [{} for _ in names]

    def lost(layer: int, level: int) -> float:
        if level not in measured[layer]:
            measured[layer][level] = loss(layer, level)
        return measured[layer][level]

    levels = [0] * len(names)
    total = fixed + sum(cost[0] for cost in costs)
    while total > budget:
        steps = [(layer, level) for layer in range(len(names)) if (level := _lower(costs[layer], levels[layer]))]
        layer, level = min(steps, key=lambda step: _price(costs[step[0]], levels[step[0]], step[1], lost, step[0]))
        total -= costs[layer][levels[layer]] - costs[layer][level]
        levels[layer] = level
    losses = [{candidates[level]: value for level, value in sorted(each.items())} for each in measured]
    return Search(
        choices={name: candidates[level] for name, level in zip(names, levels, strict=True)},
        losses=dict(zip(names, losses, strict=True)),
        cost=total,
        least=least_cost(costs, fixed),
    )


def least_cost(costs: Sequence[Sequence[int]], fixed: int) -> int:
    """Returns what the cheapest formats cost together.

    Args:
        costs: of each layer with each format.
        fixed: cost of all else.
    """
    return fixed + sum(min(cost) for cost in costs)


class Measure:
    """How far the outputs of a model with some layers of another are from those of a reference.

    "sqnr" is sum (y - y~)^2 / sum y^2, noise over signal; "kl" the mean over all rows of sum p ln(p / q), p and q being
    the softmax of the outputs, or the outputs themselves where they are shares that add up to 1 already.
    """

    def __init__(
        self, reference: keras.Model, variants: Sequence[keras.Model], calibration: Any, metric: Metric
    ) -> None:
        """Runs the reference.

        Args:
            reference: what outputs should be.
            variants: plain models with the same layers; the first is changed while it is measured.
            calibration: inputs, as `calibrate` takes them.
            metric: what is measured.
        """
        self._model = variants[0]
        self._layers = [named_layers(variant) for variant in variants]
        self._batches = list(_calibration.batches(reference, calibration))
        self._metric = metric
        self._expected = outputs_of(reference, self._batches, metric)
        self._at_start = self._distance()

    def loss(self, name: str, variant: int) -> float:
        """Returns the distance when one layer alone has the weights that it has in another variant.

        Args:
            name: of the layer.
            variant: position of the other model; 0 is the one in which all others are.
        """
        if variant == 0:
            return self._at_start
        layer = self._layers[0][name]
        before = layer.get_weights()
        layer.set_weights(self._layers[variant][name].get_weights())
        try:
            return self._distance()
        finally:
            layer.set_weights(before)

    def _distance(self) -> float:
        return distance(outputs_of(self._model, self._batches, self._metric), self._expected, self._metric)


def outputs_of(model: keras.Model, batches: Iterable[Any], metric: Metric) -> np.ndarray:
    """Returns the outputs of a model as `distance` takes them, float64.

    Args:
        model: is run in inference.
        batches: of its inputs.
        metric: what is to be measured.
    """
    every = [keras.tree.flatten(model(batch, training=False)) for batch in batches]
    rows = [np.asarray(keras.ops.convert_to_numpy(each), np.float64) for outputs in every for each in outputs]
    if metric == "sqnr":
        return np.concatenate([each.reshape(-1) for each in rows])
    return np.concatenate([_shares(each).reshape(-1, each.shape[-1]) for each in rows])


def distance(outputs: np.ndarray, expected: np.ndarray, metric: Metric) -> float:
    """Returns how far outputs are from what they should be.

    Args:
        outputs: what `outputs_of` returned for one model.
        expected: and for the reference.
        metric: the same.
    """
    if metric == "sqnr":
        return float(np.square(outputs - expected).sum() / max(np.square(expected).sum(), 1e-300))
    p, q = np.maximum(expected, 1e-12), np.maximum(outputs, 1e-12)
    return float((p * np.log(p / q)).sum(axis=-1).mean())


def _lower(costs: Sequence[int], level: int) -> int | None:
    """Returns the next level that costs less; None if there is none."""
    return next((each for each in range(level + 1, len(costs)) if costs[each] < costs[level]), None)


def _price(
    costs: Sequence[int], level: int, lower: int, lost: Callable[[int, int], float], layer: int
) -> tuple[float, int]:
    return (lost(layer, lower) - lost(layer, level)) / (costs[level] - costs[lower]), layer


def _shares(outputs: np.ndarray) -> np.ndarray:
    """Returns the softmax of outputs, or outputs that are shares already."""
    if (outputs >= 0).all() and np.allclose(outputs.sum(axis=-1), 1.0, atol=1e-3):
        return outputs
    powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
