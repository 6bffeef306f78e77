"""A greedy search for the widths of groups of channels: what is narrowed, and what is lost by it."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np

from source.compressor import _calibration
from source.compressor._sensitivity import distance, outputs_of
from source.config.errors import ConfigError, DataError
from source.graph.channel_groups import ChannelGroups
from source.graph.cost import WeightCost, cost

Metric = Literal["sqnr", "kl", "agreement", "accuracy"]
Target = Literal["macs", "parameters", "bytes"]
Levels = list[int]


@dataclasses.dataclass(frozen=True)
class WidthSearch:
    """What a search found.

    Attributes:
        widths: channels of each group that stay.
        losses: of each group, what is lost when it alone has a width; those that were measured.
        cost: of the model with these widths.
        whole: of the model as it was.
        least: what the narrowest widths cost.
    """

    widths: dict[str, int]
    losses: dict[str, dict[int, float]]
    cost: int
    whole: int
    least: int


def narrowed(
    names: Sequence[str],
    widths: Sequence[Sequence[int]],
    costs: Callable[[Levels], int],
    budget: int,
    loss: Callable[[int, int], float],
) -> WidthSearch:
    """Returns widths that meet a budget, or the narrowest ones if none do.

    All groups begin with their first width. As long as the budget is not met, the group is narrowed by one width that
    loses least for what it saves; of equal ones the one that saves more, of those the earlier. Losses are taken to add
    up; what is saved depends on all widths at the time.

    Args:
        names: of the groups.
        widths: of each group, falling.
        costs: returns what the model costs with the position of each group's width.
        budget: to be met.
        loss: returns what it costs that a group alone has the width at a position.
    """
    measured: list[dict[int, float]] = [{} for _ in names]

    def lost(group: int, level: int) -> float:
        if level not in measured[group]:
            measured[group][level] = loss(group, level)
        return measured[group][level]

    levels = [0] * len(names)
    whole = total = costs(levels)
    while total > budget:
        steps = []
        for group in (each for each in range(len(names)) if levels[each] + 1 < len(widths[each])):
            after = _lowered(levels, group)
            saved = total - costs(after)
            if saved > 0:
                gain = lost(group, after[group]) - lost(group, levels[group])
                steps.append((gain / saved, -saved, group))
        if not steps:
            break
        levels = _lowered(levels, min(steps)[2])
        total = costs(levels)
    return WidthSearch(
        widths={name: each[level] for name, each, level in zip(names, widths, levels, strict=True)},
        losses={
            name: {each[level]: value for level, value in sorted(found.items())}
            for name, each, found in zip(names, widths, measured, strict=True)
        },
        cost=total,
        whole=whole,
        least=costs([len(each) - 1 for each in widths]),
    )


def widths_of(count: int, portions: int, least: int, multiple: int) -> list[int]:
    """Returns the widths that a group may have, falling: its own and those of equal portions, rounded.

    Args:
        count: of its channels.
        portions: how many widths there are at most.
        least: channels that stay at least.
        multiple: that widths are rounded up to, as far as the group is that wide.
    """
    wanted = [max(least, round(count * part / portions)) for part in range(portions, 0, -1)]
    rounded = [min(count, -(-each // multiple) * multiple) for each in wanted]
    return sorted({count, *rounded}, reverse=True)


class WidthCost:
    """What a model costs with some of its channels gone; shares of channels along all axes of a weight multiply.

    Attributes:
        whole: cost of the whole model.
    """

    def __init__(self, model: keras.Model, groups: ChannelGroups, target: Target) -> None:
        """Counts what there is, once.

        Args:
            model: prepared, with all its channels.
            groups: of this model.
            target: what is counted.

        Raises:
            ConfigError: for a model that leaves lengths free.
        """
        found = cost(model)
        self.whole = found.total("size_bytes" if target == "bytes" else target)
        lines: dict[tuple[str, str], list[np.ndarray]] = {}
        for site in groups.sites:
            lines.setdefault((site.path, site.weight), []).append(groups.channels_of(site.labels))
        self._weights = [
            (_numbers(weight, target), lines[layer.name, weight.path])
            for layer in found.layers
            for weight in layer.weights
            if (layer.name, weight.path) in lines
        ]

    def after(self, kept: np.ndarray) -> int:
        """Returns the cost without what is gone.

        Args:
            kept: booleans, one for every channel of the groups.
        """
        shares = [(number, np.prod([kept[line].mean() for line in lines])) for number, lines in self._weights]
        return self.whole - sum(number - round(number * float(share)) for number, share in shares)


class OutputLoss:
    """What a model has lost: the distance of its outputs from those that it had, or its errors.

    "agreement" is the share of rows whose largest output is another than it was, "accuracy" the share whose largest
    output is not the label.

    Attributes:
        at_start: what is lost while nothing is gone.
    """

    def __init__(self, model: keras.Model, examples: Any, metric: Metric) -> None:
        """Runs the model as it is.

        Args:
            model: is run in inference.
            examples: inputs of the model; for "accuracy", a pair of inputs and labels.
            metric: what is measured.

        Raises:
            DataError: for examples that the model or the metric does not take.
        """
        self._model, self._metric = model, metric
        self._labels: np.ndarray | None = None
        if metric == "accuracy":
            examples, labels = examples
            self._labels = classes(labels)
        self._batches = list(_calibration.batches(model, examples))
        try:
            outputs = self._outputs()
        except ValueError as error:
            raise DataError(f"calibration: the model does not take these inputs: {error}") from error
        if self._labels is not None and (outputs.ndim != 2 or len(outputs) != len(self._labels)):
            raise DataError(
                f"calibration: expected a label for each row of the outputs. Received: {len(self._labels)} labels, "
                f"outputs of shape {outputs.shape}."
            )
        self._expected = outputs
        self.at_start = self._loss(outputs)

    def now(self) -> float:
        """Returns what is lost."""
        return self._loss(self._outputs())

    def _loss(self, outputs: np.ndarray) -> float:
        if self._metric == "sqnr" or self._metric == "kl":
            return distance(outputs, self._expected, self._metric)
        wanted = self._expected.argmax(-1) if self._labels is None else self._labels
        return float((outputs.argmax(-1) != wanted).mean())

    def _outputs(self) -> np.ndarray:
        return outputs_of(self._model, self._batches, "sqnr" if self._metric == "sqnr" else "kl")


def classes(labels: Any) -> np.ndarray:
    """Returns labels as numbers of classes.

    Args:
        labels: (n,) or (n, 1), numbers; or (n, classes), one of each row the largest.
    """
    found = np.asarray(labels)
    return found.argmax(-1) if found.ndim == 2 and found.shape[-1] > 1 else found.reshape(-1)


def check_examples(examples: Any, metric: Metric, name: str) -> None:
    """Refuses examples that a metric cannot use.

    Args:
        examples: as for `OutputLoss`.
        metric: what is to be measured.
        name: of who asks.

    Raises:
        ConfigError: saying what is needed.
    """
    if metric == "accuracy" and (not isinstance(examples, tuple) or len(examples) != 2):
        raise ConfigError(
            f'{name}: metric="accuracy" needs examples with labels: `prepare(model, calibration=(x, y))`. Received: '
            f"{type(examples).__name__}."
        )
    if examples is None:
        raise ConfigError(
            f"{name}: the search runs the model. Give some of its inputs: `prepare(model, calibration=x)`, or "
            "`take_examples(x)` for a model that was loaded."
        )


def _numbers(weight: WeightCost, target: Target) -> int:
    if target == "parameters":
        return weight.numbers if weight.is_parameter else 0
    return weight.macs if target == "macs" else weight.stored.bytes


def _lowered(levels: Levels, group: int) -> Levels:
    return [level + (each == group) for each, level in enumerate(levels)]
