"""What makes channels small in training by what they cost has in common: the loss, its strength, and which go."""

import abc
from typing import Literal

import keras
import numpy as np
from keras import ops

from source.compressor import _structure
from source.compressor._channel_budget import Widths, split
from source.compressor._regularization_strength import StrengthSettings
from source.compressor.channel_compressor import ChannelCompressor
from source.compressor.compressor import Calibration
from source.compressor.report import Report
from source.config.config import CompressorConfig, PathText, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.graph.channel_cost import channel_cost
from source.graph.hardware.description import Hardware, hardware
from source.layer.channel_regularizer import ChannelRegularizer
from source.layer.compressed import transformations_of
from source.layer.transformation import Tensor


@settings
class GroupSettings:
    """What a rule may set: nothing. Rules can only skip."""


@settings
class CostSettings(CompressorConfig, StrengthSettings):
    """The cost, and what is to be left of it.

    Attributes:
        target: the cost: "flops", "model_size", "activation" or "latency".
        hardware: of target "latency": "V100", "P100", "this_cpu" or another name, or a YAML file.
        batch_size: of target "latency".
        budget: share of the cost that is to be left, in (0, 1); None leaves what the thresholds leave.
        gradually: whether channels go at every look, as many as an even pace to the budget asks for, instead of all at
            the end.
        least_channels: that every group keeps, at least 1.
        multiple: widths of groups are multiples of this, as far as they were before.
        structure_folder: where `learned_structure/alive_<step>` is written at every look; None writes nothing.
    """

    target: Literal["flops", "model_size", "activation", "latency"] = "flops"
    hardware: str = "V100"
    batch_size: int = 1
    budget: float | None = 0.5
    gradually: bool = False
    least_channels: int = 1
    multiple: int = 1
    structure_folder: PathText | None = None

    def check(self) -> None:
        """Refuses settings that cannot be.

        Raises:
            ValueError: for these.
        """
        require(self.budget is None or 0 < self.budget < 1, "budget", "between 0 and 1, or None", self.budget)
        require(self.strength is None or self.strength >= 0, "strength", "at least 0, or None", self.strength)
        if self.strength is None and self.budget is None:
            raise ValueError("`strength` must be given when there is no `budget` to find it for.")
        for name, least in (("warm_up_steps", 0), ("begin_step", 0), ("every_steps", 1), ("least_channels", 1)):
            require(getattr(self, name) >= least, name, f"at least {least}", getattr(self, name))
        require(not self.gradually or self.budget is not None, "gradually", "false without a budget", self.gradually)
        require(self.multiple >= 1, "multiple", "at least 1", self.multiple)
        require(self.batch_size >= 1, "batch_size", "at least 1", self.batch_size)
        require(self.end_step > self.begin_step, "end_step", "behind `begin_step`", self.end_step)
        only_skips = not any(isinstance(rule.get("do"), dict) for rule in self.rules)
        require(only_skips, "rules", "such that they only skip", self.rules)


class CostRegularization(ChannelCompressor):
    """A compressor with a loss of strength * sum of coefficient (A_in R_out + A_out R_in) / cost at the start.

    A are the widths that are left, R sums of the values r of channels, and coefficients those of `ChannelCost`.
    Subclasses say what the values are, and which channels are alive.
    """

    config: CostSettings

    def __init__(self, config: CostSettings) -> None:
        super().__init__(config, GroupSettings())
        self._regularizer: ChannelRegularizer | None = None
        self._device: Hardware | None = None

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model whose loss in training has the cost of its channels in it."""
        prepared = super().prepare(model, calibration)
        start = self._now()
        self._loss.begin(start, self._limits(start))
        return prepared

    def next_update(self, step: int) -> int | None:
        """Returns the next step at which the cost is looked at."""
        return self.config.next_look(step)

    def update(self, step: int) -> None:
        """Sets the strength for the next steps, or takes out channels when the budget or the last step is reached."""
        loss, config = self._loss, self.config
        known = int(ops.convert_to_numpy(loss.step))
        if self.next_update(step - 1) != step or known >= step or self._has_ended:
            return
        loss.step.assign(step)
        loss.thresholds.assign(self._limits(self._now()))
        distances = self._distances()
        reached = config.budget is not None and self._share(self._kept() & (distances > 1)) <= config.budget
        if step == config.end_step or reached:
            self.take_out(self._price.channels[self._gone_by(distances, config.budget)])
            self._settle()
            loss.strength.assign(0.0)
            loss.ended.assign(True)
        else:
            if config.gradually and config.budget is not None:
                way = (step - config.begin_step) / (config.end_step - config.begin_step)
                self.take_out(self._price.channels[self._gone_by(distances, 1.0 - way * (1.0 - config.budget))])
            loss.strength.assign(self._strength(step))
        if config.structure_folder is not None:
            _structure.write(self.alive_counts(), config.structure_folder, step)

    def alive_counts(self) -> dict[str, int]:
        """Returns how many channels every convolution keeps, by `<path>/Conv2D` and its like.

        Those at or below their thresholds do not count, nor those that are out.
        """
        return _structure.alive_counts(self.groups, self._price.channels[~self._alive()])

    def cost_share(self) -> float:
        """Returns the cost of the channels above their thresholds, later of those that are kept, as a share of all."""
        return self._share(self._alive())

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model that no channel has been taken out of."""
        if self._has_ended and self._kept().all():
            raise ConfigError(
                f"{self.name}: no channel came down to its threshold by step {self.config.end_step}. Give a larger "
                "`strength`, more steps, or a `budget`."
            )
        super().check_finished(model)

    def report(self, model: keras.Model) -> Report:
        """Returns what is kept of each weight and group, and the cost that is left."""
        unit = " s by a roofline" if self.config.target == "latency" else ""
        total = self._price.total(self.config.target)
        note = f"{self.config.target}: {self.cost_share():.2%} of {total:,.6g}{unit} left"
        return super().report(model).with_notes(note)

    def _take_up(self, model: keras.Model) -> None:
        super()._take_up(model)
        mine = [each for each in transformations_of(model) if isinstance(each, ChannelRegularizer)]
        [self._regularizer] = [each for each in mine if each.owner == self.name]
        chosen = self.chosen(self.groups)
        if self.config.target == "latency" and self._device is None:
            self._device = hardware(self.config.hardware)  # once: a measurement would be another one
        batch = self.config.batch_size
        self._price = channel_cost(model, self.groups, chosen, hardware=self._device, batch_size=batch)
        self._function = self._price.function(self.config.target)
        self._widths = Widths(split(chosen), self.config.least_channels, self.config.multiple)
        self._look()
        self._loss.add_to_loss(self._term)

    @abc.abstractmethod
    def _look(self) -> None:
        """Finds what says how large channels are."""

    @abc.abstractmethod
    def _term(self, thresholds: Tensor) -> Tensor:
        """Returns what training adds to the loss for each unit of strength."""

    @abc.abstractmethod
    def _values_now(self) -> Tensor:
        """Returns the values of the channels, float32."""

    @abc.abstractmethod
    def _limits(self, values: np.ndarray) -> np.ndarray:
        """Returns the thresholds."""

    @abc.abstractmethod
    def _distances(self) -> np.ndarray:
        """Returns how far each channel is from going; above 1 it is alive."""

    def _settle(self) -> None:
        """Does what the end needs."""

    @property
    def _loss(self) -> ChannelRegularizer:
        if self._regularizer is None:
            raise ConfigError(f"{self.name}: there is no model yet. Call `prepare(model)` first.")
        return self._regularizer

    @property
    def _has_ended(self) -> bool:
        return bool(ops.convert_to_numpy(self._loss.ended))

    def _kept(self) -> np.ndarray:
        return np.concatenate([self.alive(group) for group in self.chosen(self.groups)])

    def _alive(self) -> np.ndarray:
        return self._kept() if self._has_ended else self._kept() & (self._distances() > 1)

    def _now(self) -> np.ndarray:
        return np.asarray(ops.convert_to_numpy(self._values_now()), np.float32)

    def _share(self, kept: np.ndarray) -> float:
        return self._price.total(self.config.target, kept) / self._price.total(self.config.target)

    def _gone_by(self, distances: np.ndarray, budget: float | None) -> np.ndarray:
        if budget is None:
            return self._widths.gone(distances)
        distances = np.where(self._kept(), distances, -1.0)  # what is out stays out
        return self._widths.gone_by_budget(distances, lambda kept: self._share(kept) <= budget)

    def _strength(self, step: int) -> float:
        config, loss = self.config, self._loss
        if config.strength is not None:
            return config.scheduled(step, config.strength)
        strength, before = (float(ops.convert_to_numpy(each)) for each in (loss.strength, loss.weighed))
        now = self._weighed_share()
        loss.weighed.assign(now)
        return config.paced(step, strength, before, now, config.budget or 0.0)

    def _weighed_share(self) -> float:
        """Returns the cost with each channel weighed by its value as a share of that at the start."""
        now = self._now()
        start = np.asarray(ops.convert_to_numpy(self._loss.initial), np.float32)
        aliveness = np.where(start > 0, np.clip(now / np.where(start > 0, start, 1.0), 0.0, 1.0), 1.0)
        return float(ops.convert_to_numpy(self._function.share(np.where(self._kept(), aliveness, 0.0))))
