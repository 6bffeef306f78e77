"""What a model costs as a function of how many channels it keeps: exact counts, and a function with a gradient."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal, get_args

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError, UnknownNameError
from source.config.nearest import did_you_mean
from source.graph._calls import Shape
from source.graph._channel_lines import Lines
from source.graph._channel_terms import Term, TermWalk
from source.graph.channel_groups import ChannelGroups, Group
from source.graph.hardware.description import Hardware, hardware

Tensor = Any
Target = Literal["parameters", "macs", "flops", "model_size", "activation", "memory", "latency"]
TARGETS: tuple[str, ...] = get_args(Target)
_FLOPS_OF_A_MAC = 2


class ChannelCost:
    """The cost of a model in dependence on its channels.

    Every part of it is a coefficient times the widths of what a call reads and makes. Counted are, as by MorphNet
    (Gordon et al., 2018, https://arxiv.org/abs/1711.06798):

    - "macs": products of kernels, each with its addition; "flops" are twice as many. Padding counts; biases,
      normalizations, activations and pools do not.
    - "model_size": numbers in these kernels; "parameters": all numbers that are trained.
    - "activation": channels that these layers make, whatever their height and width.
    - "memory": bytes that are read and written by kernels, sums, products, concatenations, batch normalizations and
      activations, inputs, outputs and kernels of each.
    - "latency": seconds, as a roofline estimates them: for each of these operations the longer of flops / peak and
      bytes / bandwidth, one after the other. Other operations, such as pools, take no time.

    Attributes:
        groups: of the model.
        channels: numbers of the channels that the cost is a function of; all others are there in any case.
        hardware: that latency is estimated for; None without.
        unknown: paths of layers whose products no rule counts; sums leave them out.
    """

    def __init__(
        self,
        model: keras.Model,
        groups: ChannelGroups,
        chosen: Sequence[Group],
        device: Hardware | None,
        batch_size: int,
        input_shapes: Sequence[Shape] | None,
    ) -> None:
        self.groups = groups
        self.channels = np.concatenate([np.zeros(0, np.int64), *(group.channels for group in chosen)])
        self.hardware = device
        self._lines = Lines(groups, self.channels)
        walk = TermWalk(groups, self._lines, batch_size)
        self._terms = walk.through(model, input_shapes)
        self._operations = walk.operations
        self.unknown = tuple(self._terms.unknown)

    def total(self, target: Target, kept: np.ndarray | None = None) -> float:
        """Returns the cost: a whole number, exactly; of "latency", seconds.

        Args:
            target: what to count.
            kept: booleans, one for each of `channels`, or whole numbers for channels that are there several times; None
                keeps each once.

        Raises:
            UnknownNameError: for another target.
            ConfigError: for "latency" without hardware.
        """
        return sum(self.per_layer(target, kept).values())

    def per_layer(self, target: Target, kept: np.ndarray | None = None) -> dict[str, float]:
        """Returns the cost of each layer by its path, in the order of the model.

        Args:
            target: as for `total`.
            kept: as for `total`.

        Raises:
            UnknownNameError: for another target.
            ConfigError: for "latency" without hardware.
        """
        self._check(target)
        counts = self._lines.counts(np.ones(len(self.channels), bool) if kept is None else np.asarray(kept))
        if target == "latency":
            return self._seconds(counts)
        scale = _FLOPS_OF_A_MAC if target == "flops" else 1
        found: dict[str, float] = {}
        for term in self._of(target):
            found[term.layer] = found.get(term.layer, 0) + scale * _value(term, counts)
        return found

    def function(self, target: Target) -> "CostFunction":
        """Returns the cost as a function of how much of each channel is there, for training.

        Args:
            target: as for `total`.

        Raises:
            UnknownNameError: for another target.
            ConfigError: for "latency" without hardware.
        """
        initial = self.total(target)
        block, table = self._blocks
        spread = _Spread(block, table, np.asarray(self._lines.constants, np.float32))
        if target != "latency":
            scale = (_FLOPS_OF_A_MAC if target == "flops" else 1) / initial
            return CostFunction(spread, [_Products(self._of(target), scale)], 0)
        peak, bandwidth = self._device.peak_flops, self._device.bandwidth
        parts = [
            _Products(self._terms.macs, _FLOPS_OF_A_MAC / peak / initial),
            _Products(self._terms.memory, 1.0 / bandwidth / initial),
        ]
        return CostFunction(spread, parts, self._operations)

    @property
    def _device(self) -> Hardware:
        if self.hardware is None:
            raise ConfigError('latency: expected hardware. Give it: `channel_cost(model, hardware="V100")`.')
        return self.hardware

    @cached_property
    def _blocks(self) -> tuple[np.ndarray, np.ndarray]:
        return self._lines.blocks()

    def _check(self, target: str) -> None:
        if target not in TARGETS:
            raise UnknownNameError(f"target: expected one of {', '.join(TARGETS)}. {did_you_mean(target, TARGETS)}")

    def _of(self, target: str) -> list[Term]:
        found: list[Term] = getattr(self._terms, "macs" if target == "flops" else target)
        return found

    def _seconds(self, counts: list[int]) -> dict[str, float]:
        compute, memory = [0.0] * self._operations, [0.0] * self._operations
        layers = [""] * self._operations
        for terms, seconds, rate in (
            (self._terms.macs, compute, self._device.peak_flops / _FLOPS_OF_A_MAC),
            (self._terms.memory, memory, self._device.bandwidth),
        ):
            for term in terms:
                seconds[term.operation] += _value(term, counts) / rate
                layers[term.operation] = term.layer
        found: dict[str, float] = {}
        for layer, one, other in zip(layers, compute, memory, strict=True):
            found[layer] = found.get(layer, 0.0) + max(one, other)
        return found


def channel_cost(
    model: keras.Model,
    groups: ChannelGroups | None = None,
    chosen: Sequence[Group] | None = None,
    *,
    hardware: str | Hardware | None = None,
    batch_size: int = 1,
    input_shapes: Sequence[Shape] | None = None,
) -> ChannelCost:
    """Returns what a model costs in dependence on its channels; the model is looked at, not run.

    Args:
        model: functional or sequential, built; plain or prepared by a compressor.
        groups: of this model; None finds them.
        chosen: groups whose channels may go; None takes all that may.
        hardware: for "latency": a name or file as `hardware` takes, or a description.
        batch_size: examples that "macs", "flops", "memory" and "latency" are of, at least 1.
        input_shapes: of one example, one an input, where the model leaves lengths free.

    Raises:
        ConfigError: for models that cannot be followed, and for free lengths that no shapes are given for.
        UnknownNameError: for hardware that is not known.
    """
    if batch_size < 1:
        raise ConfigError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}.")
    groups = groups or ChannelGroups(model)
    chosen = groups.prunable if chosen is None else chosen
    return ChannelCost(model, groups, chosen, _found(hardware), batch_size, input_shapes)


class CostFunction:
    """A cost as a share of what it is with all channels, float32, with gradients, on every backend.

    With A channels alive and a number r for each, the regularization of MorphNet is the derivative of the cost by A in
    the direction of r: coefficient (A_in R_out + A_out R_in) for a kernel, where R is a sum of r.
    """

    def __init__(self, spread: "_Spread", parts: Sequence["_Products"], operations: int) -> None:
        self._spread = spread
        self._parts = list(parts)
        self._operations = operations

    def share(self, aliveness: Tensor) -> Tensor:
        """Returns the cost as a share of the initial one; 1 where all channels are whole.

        Args:
            aliveness: (channels,), numbers in [0, 1], 1 for a whole channel, in the order of `ChannelCost.channels`.
        """
        widths = self._spread.widths(aliveness)
        values = [part.values(widths) for part in self._parts]
        if not self._operations:
            return ops.sum(values[0])
        return ops.sum(ops.maximum(*self._by_operation(values)))

    def regularization(self, alive: Tensor, r: Tensor) -> Tensor:
        """Returns what training adds to the loss for each unit of strength.

        Of "latency", operations that wait for memory are charged by bytes, the others by flops, as they stand.

        Args:
            alive: (channels,), 0 or 1; gradients do not pass.
            r: (channels,), not negative; gradients pass.
        """
        widths = self._spread.widths(ops.stop_gradient(alive))
        sums = self._spread.sums(r)
        charges = [part.charges(widths, sums) for part in self._parts]
        if not self._operations:
            return ops.sum(charges[0])
        compute, memory = self._by_operation([part.values(widths) for part in self._parts])
        by_flops, by_bytes = self._by_operation(charges)
        return ops.sum(ops.where(memory > compute, by_bytes, by_flops))

    def _by_operation(self, values: Sequence[Tensor]) -> list[Tensor]:
        pairs = zip(values, self._parts, strict=True)
        return [ops.segment_sum(each, part.operations, self._operations) for each, part in pairs]


@dataclasses.dataclass(frozen=True)
class _Spread:
    """From numbers of channels to sums over lines.

    Attributes:
        block: of each channel.
        table: how often a channel of a block is in a line (lines, blocks).
        constants: channels of each line that are always there.
    """

    block: np.ndarray
    table: np.ndarray
    constants: np.ndarray

    def sums(self, numbers: Tensor) -> Tensor:
        """Returns the sum over each line; 0 for what is always there."""
        found = ops.segment_sum(ops.cast(numbers, "float32"), self.block, self.table.shape[1])
        return ops.sum(ops.multiply(self.table, ops.expand_dims(found, 0)), axis=1)

    def widths(self, aliveness: Tensor) -> Tensor:
        """Returns the width of each line."""
        return ops.add(self.sums(aliveness), self.constants)


class _Products:
    """Terms as arrays: coefficients that are shares of the whole, and the lines of up to three factors."""

    def __init__(self, terms: Sequence[Term], scale: float) -> None:
        self._factors = max((len(term.lines) for term in terms), default=0) or 1
        # Line 0 is the number 1, and its sum 0, so that a factor more changes nothing.
        rows = [(*term.lines, *[0] * (self._factors - len(term.lines))) for term in terms]
        self._lines = np.asarray(rows, np.int32).reshape(len(terms), self._factors)
        # Divided before they are added: sums of 1e10 would be good to 1e3 only.
        self._coefficients = np.asarray([term.coefficient * scale for term in terms], np.float32)
        self._charged = np.asarray([term.coefficient * scale * term.charges for term in terms], np.float32)
        self.operations = np.asarray([term.operation for term in terms], np.int32)

    def values(self, widths: Tensor) -> Tensor:
        """Returns the value of each term."""
        return ops.multiply(self._coefficients, ops.prod(ops.take(widths, self._lines, axis=0), axis=1))

    def charges(self, widths: Tensor, sums: Tensor) -> Tensor:
        """Returns the derivative of each term when widths change by sums."""
        known, changed = ops.take(widths, self._lines, axis=0), ops.take(sums, self._lines, axis=0)
        total: Tensor = 0.0
        for factor in range(self._factors):
            others = [known[:, other] for other in range(self._factors) if other != factor]
            product = changed[:, factor]
            for each in others:
                product = product * each
            total = total + product
        return ops.multiply(self._charged, total)


def _value(term: Term, counts: list[int]) -> int:
    product = term.coefficient
    for line in term.lines:
        product *= counts[line]
    return product


def _found(device: str | Hardware | None) -> Hardware | None:
    find: Callable[[str | Hardware], Hardware] = hardware
    return None if device is None else find(device)
