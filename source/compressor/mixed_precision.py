"""Gives each layer the number format that it bears: by rules, or by a search under a budget."""

import dataclasses
import itertools
import math
from typing import Any

import keras

from source.compressor import quantize_aware
from source.compressor._bit_operations import bit_operations, counts_of, input_bits
from source.compressor._layer_names import named_layers
from source.compressor._quantization_points import QuantizationPoints
from source.compressor._sensitivity import Measure, Metric, Search, greedy, least_cost
from source.compressor.compressor import Calibration
from source.compressor.quantize_aware import QuantizeAware
from source.compressor.report import Report, stored_bytes
from source.config.config import Names, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer.compressed import Compressed
from source.layer.transformation import Transformation
from source.numeric.grammar import number_format
from source.surgery.bake import bake
from source.surgery.wrap import inside

_FLOAT_BITS = 32


@settings
class Config(quantize_aware.Config):
    """Settings of mixed precision.

    Attributes:
        candidates: number formats of weights, each narrower than the one before; a search chooses one for each layer
            whose `weights` no rule sets. Empty leaves the choice to rules.
        budget_bytes: that all rounded weights together may take, codes and scales.
        budget_bit_operations: that one example may take in all rounded layers: multiplications times the bits of the
            weight times those of the activation.
        metric: what is lost when a layer is lowered: "sqnr", noise over signal at the outputs of the model, or "kl",
            the divergence of their softmax.
    """

    candidates: Names = ()
    budget_bytes: int | None = None
    budget_bit_operations: int | None = None
    metric: Metric = "sqnr"

    def __post_init__(self) -> None:
        quantize_aware.Config.__post_init__(self)
        budgets = [each for each in (self.budget_bytes, self.budget_bit_operations) if each is not None]
        require(all(each > 0 for each in budgets), "budget_bytes and budget_bit_operations", "positive", budgets)
        if not self.candidates:
            require(not budgets, "candidates", "number formats to choose from, when there is a budget", self.candidates)
            require(bool(self.rules), "rules", "formats of layers where `candidates` are not given", self.rules)
            return
        require(len(budgets) == 1, "budget_bytes and budget_bit_operations", "one of the two", budgets)
        bits = [number_format(each).bits for each in self.candidates]
        falling = all(before > after for before, after in itertools.pairwise(bits))
        require(len(bits) > 1 and falling, "candidates", "two or more, each narrower than the last", self.candidates)
        for each in self.candidates:
            quantize_aware.LayerSettings(weights=each, weight_ranges=self.weight_ranges)


def build(config: Config) -> "MixedPrecision":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return MixedPrecision(config)


class MixedPrecision(QuantizeAware):
    """Quantization-aware training whose formats differ from layer to layer.

    The search rounds weights alone, without training: one layer at a time is lowered by one format, and the loss at the
    outputs over the calibration inputs is measured against the model that was given. Then the layer that loses least
    for what it saves is lowered, until the budget is met. Losses of layers are taken to add up, as in Wu et al.: Mixed
    precision quantization of convnets via differentiable neural architecture search, 2018,
    https://arxiv.org/abs/1812.00090, and Dong et al.: HAWQ-V2, 2019, https://arxiv.org/abs/1911.03852.

    Attributes:
        found: what the search of the last `prepare` found; None without one.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.found: Search | None = None
        self._chosen_formats: dict[int, str] = {}

    @property
    def needs_calibration(self) -> bool:
        """Whether `prepare` must see inputs: to compare outputs, or where ranges of activations are trained."""
        return bool(self.config.candidates) or super().needs_calibration

    def chain(self, layer: keras.layers.Layer, path: str, settings: Any) -> list[Transformation]:
        """Returns the rounding of a weight, in the format of its layer."""
        text = self._chosen_formats.get(id(layer))
        if text is not None and not self._rules.sets(layer, path, "weights"):
            settings = dataclasses.replace(settings, weights=text)
        return super().chain(layer, path, settings)

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model that rounds each layer in its format; the model itself stays as it is."""
        self._check(model)
        self.found, self._chosen_formats = None, {}
        if self.config.candidates:
            self.found = self._search(model, calibration)
            layers = named_layers(model)
            self._chosen_formats = {id(inside(layers[name])): text for name, text in self.found.choices.items()}
        try:
            return super().prepare(model, calibration)
        finally:
            self._chosen_formats = {}

    def report(self, model: keras.Model) -> Report:
        """Returns what is kept of each weight, and what was searched if this compressor prepared it."""
        report = super().report(model)
        if self.found is None:
            return report
        name, budget = self._budget
        lines = [f"{name}: {self.found.cost:,} of {budget:,}, at least {self.found.least:,}"]
        for layer, text in self.found.choices.items():
            losses = [f"{each} {self._loss_text(loss)}" for each, loss in self.found.losses[layer].items()]
            lines.append(f"{layer}: {text}{'; alone ' if losses else ''}{', '.join(losses)}")
        return report.with_notes(*lines)

    @property
    def _budget(self) -> tuple[str, int]:
        if self.config.budget_bytes is not None:
            return "budget_bytes", self.config.budget_bytes
        return "budget_bit_operations", self.config.budget_bit_operations or 0

    def _loss_text(self, loss: float) -> str:
        if self.config.metric == "kl":
            return f"{loss:.3g} nats"
        return f"{-10 * math.log10(loss):.1f} dB" if loss else "inf dB"

    def _search(self, model: keras.Model, calibration: Calibration) -> Search:
        if calibration is None:
            raise ConfigError(
                f"{self.name}: the search compares outputs. Give some inputs of the model, "
                "`prepare(model, calibration=images)`, or set `weights` of layers by rules."
            )
        names = [name for name, layer in named_layers(model).items() if self._is_free(inside(layer))]
        if not names:
            raise ConfigError(f"{self.name}: rules leave no layer of model `{model.name}` to choose a format for.")
        variants = [self._variant(model, text) for text in self.config.candidates]
        every = self._costs(model, variants)
        costs = [[each[name] for each in every] for name in names]
        fixed = sum(cost for name, cost in every[0].items() if name not in names)
        self._check_reachable(costs, fixed)
        measure = Measure(model, [bake(each) for each in variants], calibration, self.config.metric)
        return greedy(
            names, self.config.candidates, costs, fixed, self._budget[1], lambda i, k: measure.loss(names[i], k)
        )

    def _is_free(self, layer: keras.layers.Layer) -> bool:
        """Returns whether a layer has a weight whose format no rule says."""
        return any(not self._rules.sets(layer, path, "weights") for path, _ in self._chosen(layer))

    def _variant(self, model: keras.Model, text: str) -> keras.Model:
        """Returns the model with weights rounded to one format where it is free, and activations as they are."""
        self._chosen_formats = {id(inside(layer)): text for layer in named_layers(model).values()}
        points = QuantizationPoints(model, self.config.fold_batch_norm)
        points.outputs.clear()
        points.inputs.clear()
        return self._rounded(model, points)

    def _costs(self, model: keras.Model, variants: list[keras.Model]) -> list[dict[str, int]]:
        """Returns what each wrapped layer costs in each variant."""
        wrappers = [_wrappers(variant) for variant in variants]
        if self.config.budget_bytes is not None:
            return [{name: _bytes(layer) for name, layer in each.items()} for each in wrappers]
        layers = {name: layer for name, layer in named_layers(model).items() if name in wrappers[0]}
        counts = counts_of(model, layers)
        points = QuantizationPoints(model, self.config.fold_batch_norm)
        entering = input_bits(model, points, self._bits_after, self._bits_of_inputs)
        return [
            {
                name: bit_operations(counts[name], _weight_bits(each[name]), entering[id(layers[name])])
                for name in layers
            }
            for each in wrappers
        ]

    def _bits_after(self, operation: Any) -> int:
        """Returns the bits of what leaves an operation."""
        is_layer = isinstance(operation, keras.layers.Layer)
        chosen = self._rules.of(inside(operation)) if is_layer else self.settings
        return _bits(chosen.activations if chosen is not None else None)

    def _bits_of_inputs(self, operation: Any) -> int:
        """Returns the bits of what enters an operation from an input of the model."""
        chosen = self._rules.of(inside(operation)) if isinstance(operation, keras.layers.Layer) else None
        if chosen is None:
            return _FLOAT_BITS
        return _bits(chosen.activations if chosen.inputs == "same" else chosen.inputs)

    def _check_reachable(self, costs: list[list[int]], fixed: int) -> None:
        name, budget = self._budget
        least = least_cost(costs, fixed)
        if least > budget:
            raise ConfigError(
                f"{self.name}: `{name}` cannot be met: with the narrowest candidates {least:,} are left, {fixed:,} of "
                f"them in weights that rules set. Received: {name}={budget:,}; raise it, or give a narrower candidate."
            )


def _wrappers(model: keras.Model) -> dict[str, Compressed]:
    """Returns the layers whose weights have chains."""
    layers = named_layers(model).items()
    return {name: each for name, each in layers if isinstance(each, Compressed) and each.weight_chains}


def _bytes(layer: Compressed) -> int:
    return sum(stored_bytes(layer, path) for path in layer.weight_chains)


def _weight_bits(layer: Compressed) -> dict[str, float]:
    """Returns the bits of the weights that have codes, by their paths."""
    chains = {path: [each.code_bits for each in chain] for path, chain in layer.weight_chains.items()}
    known = {path: [bits for bits in each if bits is not None] for path, each in chains.items()}
    return {path: bits[-1] for path, bits in known.items() if bits}


def _bits(text: str | None) -> int:
    return _FLOAT_BITS if text is None else number_format(text).bits
