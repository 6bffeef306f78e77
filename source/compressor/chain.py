"""Several compressors at once: each weight and activation goes through all of them, in their order."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras

from source.compressor.approximated_operators import ApproximatedOperators
from source.compressor.build import compressor
from source.compressor.compressor import Calibration, Compressor
from source.compressor.distillation import Distillation
from source.compressor.report import Report
from source.config.config import CompressorConfig, Mappings, require
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.settings import settings


@settings
class Config(CompressorConfig):
    """Settings of a chain.

    Attributes:
        members: mappings of `name` and the settings of that compressor, in the order in which weights go through
            them: pruning before rounding keeps zeros zero.
    """

    members: Mappings = ()

    def __post_init__(self) -> None:
        require(bool(self.members), "members", "at least one compressor", self.members)
        require(not self.rules, "rules", "empty: give rules to members", self.rules)
        for index, member in enumerate(self.members):
            where = f"members[{index}]"
            if "name" not in member:
                raise ValueError(f"`{where}.name` is missing. {did_you_mean('name', list(member))}")


def build(config: Config) -> "Chain":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return Chain(config)


class Chain(Compressor):
    """Prepares a model with each member in turn, and forwards every step to all of them.

    What an earlier member does to a weight, later ones see: a mask before a rounding leaves zeros, which every format
    for weights keeps. A teacher of `distillation` is the model before any member has prepared it.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.members = [_member(each, f"members[{index}]") for index, each in enumerate(config.members)]
        distils = [isinstance(member, Distillation) for member in self.members]
        if any(distils[:-1]):
            raise ConfigError(f"{self.name}: distillation must be the last member, after those that change weights.")

    @property
    def needs_calibration(self) -> bool:
        """Whether a member must see inputs."""
        return any(member.needs_calibration for member in self.members)

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model that all members have prepared."""
        prepared = model
        for member in self.members:
            if isinstance(member, Distillation):
                member.take_teacher(model)
            prepared = member.prepare(prepared, calibration)
        self._attach_all(prepared, None)
        return prepared

    def attach(self, model: keras.Model, total_steps: int | None = None) -> None:
        """Takes up a prepared model with every member."""
        self._attach_all(model, total_steps)

    def owns(self, model: keras.Model) -> bool:
        """Returns whether a model has something of every member."""
        return all(member.owns(model) for member in self.members)

    def next_update(self, step: int) -> int | None:
        """Returns the first step at which a member changes something."""
        return min(self._next_updates(step), default=None)

    def update(self, step: int) -> None:
        """Lets every member do what it has to do at the step, in their order."""
        for member in self.members:
            member.update(step)

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model to which a member has done nothing."""
        for member in self.members:
            member.check_finished(model)

    def reason(self, layer: keras.layers.Layer, path: str, variable: keras.Variable) -> str:
        """Returns the reasons of the members, each once."""
        others = (Distillation, ApproximatedOperators)
        reasons = [member.reason(layer, path, variable) for member in self.members if not isinstance(member, others)]
        return "; ".join(dict.fromkeys(reasons)) or self.members[0].reason(layer, path, variable)

    def report(self, model: keras.Model) -> Report:
        """Returns the report of all members, with the notes of each."""
        telling = [member for member in self.members if type(member).report is not Compressor.report]
        return super().report(model).with_notes(*(note for each in telling for note in each.report(model).notes))

    def _attach_all(self, model: keras.Model, total_steps: int | None) -> None:
        for member in self.members:
            member.attach(model, total_steps)
        self._model = model

    def _next_updates(self, step: int) -> Iterator[int]:
        for member in self.members:
            following = member.next_update(step)
            if following is not None:
                yield following


def _member(given: Mapping[str, Any], where: str) -> Compressor:
    settings = {key: value for key, value in given.items() if key != "name"}
    try:
        return compressor(given["name"], **settings)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
