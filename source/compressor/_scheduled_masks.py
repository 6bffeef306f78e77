"""What compressors share that prune in the course of training: masks that follow a ramp."""

import abc
import dataclasses
from typing import Any, Literal

import keras
from keras import ops

from source.compressor.weight_compressor import WeightCompressor
from source.config.config import CompressorConfig
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer.compressed import Compressed
from source.layer.mask import Mask
from source.layer.transformation import Tensor
from source.sparsity.ramp import Cyclic, OneShot, Polynomial, Ramp, make_ramp

# Ramps lead to a sparsity below 1, progress to 1 itself; a half is scaled without rounding.
WHOLE = 0.5


@settings
class ScheduleSettings:
    """When masks are made, and how sparse they are by then.

    Attributes:
        schedule: "polynomial", from `initial_sparsity` to the final one between two steps, fast at first; "constant",
            the final one from the first step on; "one_shot", once, at `begin_step`; "cyclic", down and up again.
        initial_sparsity: where "polynomial" begins and "cyclic" returns to.
        begin_step: first step that prunes; 0 is before the first step of training.
        end_step: step at which the final sparsity is reached, and the last one that makes masks.
        every_steps: steps between two masks.
        power: of the polynomial.
        cycles: of "cyclic", between the two steps.
    """

    schedule: Literal["polynomial", "constant", "one_shot", "cyclic"] = "polynomial"
    initial_sparsity: float = 0.0
    begin_step: int = 0
    end_step: int = 1000
    every_steps: int = 100
    power: float = 3.0
    cycles: int = 1

    def ramp(self, sparsity: float) -> Ramp:
        """Returns the sparsity over the steps.

        Args:
            sparsity: the final one.

        Raises:
            ConfigError: for steps at which nothing would ever happen.
        """
        if self.schedule == "one_shot":
            return OneShot(step=self.begin_step, final=sparsity)
        steps: dict[str, Any] = {"final": sparsity, "begin": self.begin_step, "every": self.every_steps}
        if self.schedule == "constant":
            return make_ramp("constant", end=self.end_step, **steps)
        steps["initial"] = self.initial_sparsity
        if self.schedule == "polynomial":
            return Polynomial(end=self.end_step, power=self.power, **steps)
        return Cyclic(period=max(1, (self.end_step - self.begin_step) // self.cycles), cycles=self.cycles, **steps)

    def progress(self) -> Ramp:
        """Returns how far the schedule has come over the steps, as a share of `WHOLE`; `initial_sparsity` is left out.

        Raises:
            ConfigError: as `ramp` does.
        """
        schedule = {field.name: getattr(self, field.name) for field in dataclasses.fields(ScheduleSettings)}
        return ScheduleSettings(**{**schedule, "initial_sparsity": 0.0}).ramp(WHOLE)

    def density(self, sparsity: float, progress: float) -> float:
        """Returns the share that is kept on the way from `initial_sparsity`, rounded to 12 decimals.

        Args:
            sparsity: the final one.
            progress: value of the ramp `progress`.
        """
        way = progress / WHOLE
        return round(1.0 - (self.initial_sparsity + (sparsity - self.initial_sparsity) * way), 12)


class ScheduledMasks(WeightCompressor):
    """A compressor whose masks are made anew at the steps of a ramp."""

    def __init__(self, config: CompressorConfig, settings: Any, ramp: Ramp) -> None:
        super().__init__(config, settings)
        self.ramp = ramp

    def next_update(self, step: int) -> int | None:
        """Returns the next step at which masks are made."""
        return self.ramp.next_due(step)

    def update(self, step: int) -> None:
        """Makes the masks of the sparsity at the step; between two due steps, those of the last stay."""
        if not self.ramp.is_due(step):
            return
        self._assign(list(self._mine(self.model, Mask)), self.ramp.value(step))

    def owns(self, model: keras.Model) -> bool:
        """Returns whether a model has masks."""
        return any(True for _ in self._mine(model, Mask))

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model whose masks keep everything."""
        masks = [mask for _, _, mask in self._mine(model, Mask) if mask.refresh == "stored"]
        if masks and all(bool(ops.all(ops.convert_to_tensor(mask.kept))) for mask in masks):
            raise ConfigError(
                f"{self.name}: nothing has been pruned yet: its first step is {self.first_step}. "
                "Give `compressor.keras_callback()` to `fit`, or `compression` to the runner's callbacks, and train "
                "that far."
            )

    @abc.abstractmethod
    def _assign(self, masks: list[tuple[Compressed, str, Mask]], sparsity: float) -> None:
        """Makes the masks of a sparsity."""

    def _scores(self, layer: Compressed, path: str, mask: Mask) -> Tensor:
        """Returns |w| as the mask sees it; pruned entries have none where gradients do not reach them."""
        magnitude = ops.abs(layer.seen_weight(path, before=mask))
        falls = not isinstance(self.ramp, Cyclic)
        return (
            ops.where(ops.convert_to_tensor(mask.kept), magnitude, 0.0)
            if mask.rule == "masked" and falls
            else magnitude
        )
