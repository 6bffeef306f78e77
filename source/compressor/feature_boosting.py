"""Computes, for each example, only the channels of a convolution that a small predictor finds salient."""

from collections.abc import Iterator
from typing import Literal

import keras
from keras import ops

from source.compressor._gated_cost import GatedCost, gated_cost
from source.compressor._gating import Gating, Pool, gate_name, pairs_of, predictor_name
from source.compressor._scheduled_masks import WHOLE, ScheduleSettings
from source.compressor.compressor import Calibration, Compressor
from source.compressor.report import Report
from source.compressor.rules import Rules
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer import weight_paths
from source.layer.channel_gate import ChannelGate, count_of
from source.sparsity.ramp import Ramp
from source.surgery.rewrite import layers_of, refuse_other_models, rewrite
from source.surgery.wrap import inside


@settings
class LayerSettings:
    """What a rule may set.

    Attributes:
        density: share of a layer's channels that are computed for an example in the end, in (0, 1]; their number is
            rounded up.
    """

    density: float = 0.5

    def __post_init__(self) -> None:
        require(0 < self.density <= 1, "density", "in (0, 1]", self.density)


@settings
class Config(CompressorConfig, LayerSettings):
    """Settings of feature boosting and suppression.

    Attributes:
        schedule: "polynomial", from `initial_density` to `density` between two steps, fast at first; "one_shot", once,
            at `begin_step`.
        initial_density: where "polynomial" begins, in (0, 1]; all channels are let through before `begin_step`.
        begin_step: first step that closes gates; 0 is before the first step of training.
        end_step: step at which `density` is reached.
        every_steps: steps between two densities.
        power: of the polynomial.
        strength: of the loss of the saliencies, the mean over examples of their sum, not negative.
        pool: what the predictor sees of each channel of the input: "l1", mean |x|; "l2", mean x^2; "average"; "max".
    """

    schedule: Literal["polynomial", "one_shot"] = "polynomial"
    initial_density: float = 1.0
    begin_step: int = 0
    end_step: int = 1000
    every_steps: int = 100
    power: float = 3.0
    strength: float = 1e-8
    pool: Pool = "l1"

    def __post_init__(self) -> None:
        LayerSettings.__post_init__(self)
        require(self.strength >= 0, "strength", "at least 0", self.strength)
        require(0 < self.initial_density <= 1, "initial_density", "in (0, 1]", self.initial_density)
        self.ramp()

    def ramp(self) -> Ramp:
        """Returns how far the density has come over the steps, as a share of `WHOLE`.

        Raises:
            ConfigError: for steps at which nothing would ever happen.
        """
        names = ("schedule", "begin_step", "end_step", "every_steps", "power")
        return ScheduleSettings(**{name: getattr(self, name) for name in names}).progress()

    def density_at(self, final: float, progress: float) -> float:
        """Returns the share that is let through on the way from `initial_density`, rounded to 12 decimals.

        Args:
            final: of the layer.
            progress: value of the ramp.
        """
        return round(self.initial_density + (final - self.initial_density) * progress / WHOLE, 12)


def build(config: Config) -> "FeatureBoosting":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return FeatureBoosting(config)


class FeatureBoosting(Compressor):
    """Puts a predictor and a gate behind each convolution that a batch normalization alone follows.

    The normalization loses its scale and offset. The scale is predicted for each example, g = relu(W s + b) with s the
    pooled input of the convolution; the channels of the largest g are let through, times g, plus the offset; all others
    are 0 and need not be computed. At the start W is 0 and b the old scale, so that the model is what it was. Gao et
    al.: Dynamic channel pruning: feature boosting and suppression, 2019, https://arxiv.org/abs/1810.05331
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.ramp: Ramp = config.ramp()
        self._rules: Rules[LayerSettings] = Rules(LayerSettings(density=config.density), config.rules)

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model with gates that let everything through at first; the model stays as it is."""
        refuse_other_models(model)
        self._rules.check_all_match((inside(each), weight_paths.of(inside(each))) for each in layers_of(model))
        if self.owns(model):
            raise ConfigError(f"{self.name}: model `{model.name}` has gates already.")
        pairs = {id(pair[0]): pair for pair in pairs_of(model)}
        found = {key: self._rules.of(inside(conv)) for key, (conv, _) in pairs.items()}
        densities = {key: settings.density for key, settings in found.items() if settings is not None}
        if not densities:
            skipped = ", ".join(f"`{conv.name}`" for conv, _ in pairs.values())
            why = f"All that could be are skipped by rules: {skipped}." if pairs else "There is none."
            raise ConfigError(
                f"{self.name}: model `{model.name}` has no layer to gate: a Conv1D or Conv2D, called once, whose "
                f"output only a BatchNormalization over the same channels uses. {why}"
            )
        chosen = [pairs[key] for key in densities]
        gating = Gating(chosen, list(densities.values()), self.config.strength, self.config.pool)
        prepared = rewrite(model, gating.replacement)
        self.attach(prepared)
        return prepared

    def owns(self, model: keras.Model) -> bool:
        """Returns whether a model has gates."""
        return any(True for _ in _gates(model))

    def next_update(self, step: int) -> int | None:
        """Returns the next step at which fewer channels are let through."""
        return self.ramp.next_due(step)

    def update(self, step: int) -> None:
        """Lets as many channels through as the schedule says."""
        if not self.ramp.is_due(step):
            return
        for gate in _gates(self.model):
            gate.let_through(self.config.density_at(gate.density, self.ramp.value(step)))

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model whose gates let everything through, unless that is all they are to do."""
        gates = list(_gates(model))
        to_close = [gate for gate in gates if count_of(gate.channels, gate.density) < gate.channels]
        if to_close and all(_kept(gate) == gate.channels for gate in gates):
            raise ConfigError(
                f"{self.name}: no gate has let less than all through yet: the first step that closes some is "
                f"{self.first_step}. Give `compressor.keras_callback()` to `fit`, or `compression` to the runner's "
                "callbacks, and train that far."
            )

    def gated_cost(self) -> GatedCost:
        """Returns the products of the model in training, with gates and without.

        Raises:
            ConfigError: for a model that leaves lengths free.
        """
        return gated_cost(self.model)

    def report(self, model: keras.Model) -> Report:
        """Returns what is kept of each weight: all; with the open gates, and products that could be left out."""
        notes = [f"{gate.name}: {_kept(gate)} of {gate.channels} channels of each example" for gate in _gates(model)]
        try:
            notes.append(str(gated_cost(model)))
        except ConfigError as error:
            notes.append(f"MACs are not known: {error}")
        return super().report(model).with_notes(*notes)

    def reason(self, layer: keras.layers.Layer, path: str, variable: keras.Variable) -> str:
        """Returns what a gate means for a weight, a few words."""
        if self._rules.of(layer) is None:
            return "skipped by a rule"
        names = {gate.name for gate in _gates(self.model)}
        if gate_name(layer.name) in names:
            return "used for the channels that are let through"
        if layer.name in {predictor_name(name.removesuffix("_gate")) for name in names}:
            return "predicts the saliency of channels"
        if layer.name in names:
            return "belongs to a gate"
        return "makes no channels that are gated"


def _gates(model: keras.Model) -> Iterator[ChannelGate]:
    for layer in layers_of(model):
        if isinstance(inside(layer), ChannelGate):
            yield inside(layer)


def _kept(gate: ChannelGate) -> int:
    return int(ops.convert_to_numpy(gate.kept))
