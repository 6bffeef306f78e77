"""MorphNet with gates: channels are as large as the probability that they are there."""

from collections.abc import Iterator, Mapping

import numpy as np
from keras import ops

from source.compressor._channel_readers import read_otherwise, reads
from source.compressor._channel_sites import ChannelSites
from source.compressor._cost_regularization import CostRegularization, CostSettings
from source.compressor._gate_settings import GateSettings
from source.compressor.channel_compressor import Chains
from source.config.errors import ConfigError
from source.config.settings import settings
from source.graph.channel_groups import ChannelGroups, Group
from source.graph.channels.flow import Site
from source.layer.compressed import Compressed
from source.layer.fake_quantize import FakeQuantize
from source.layer.frozen_portions import FrozenPortions
from source.layer.gated_kernel import GatedKernel
from source.layer.learned_quantize import LearnedStep
from source.layer.stochastic_gates import StochasticGates
from source.layer.transformation import Tensor, Transformation
from source.surgery.wrap import inside


@settings
class GatedSettings(CostSettings, GateSettings):
    """Settings of the cost and of gates."""


class GatedMorphNet(CostRegularization):
    """The loss of MorphNet, with r the gates of a step or their probabilities.

    Every kernel that reads a channel sees it through its gate, so that a closed gate is a channel that is gone.
    Chaudhuri et al.: Fine-grained stochastic architecture search, 2020, https://arxiv.org/abs/2006.09581

    At the end the channels of the least logits go, just as many as the budget asks for, and those that stay keep the
    gates of inference as constant factors.
    """

    name = "morphnet"
    config: GatedSettings

    def __init__(self, config: GatedSettings) -> None:
        super().__init__(config)
        self._otherwise: tuple[ChannelGroups | None, dict[int, str]] = (None, {})

    def refusal(self, group: Group, groups: ChannelGroups, sites: ChannelSites) -> str | None:
        """Returns why a group has no gates."""
        if self._otherwise[0] is not groups:
            self._otherwise = groups, read_otherwise(groups)
        paths = dict.fromkeys(path for each in group.channels.tolist() if (path := self._otherwise[1].get(each)))
        return f"{', '.join(f'`{path}`' for path in paths)} reads them without a kernel" if paths else None

    def further_chains(self, groups: ChannelGroups, sites: ChannelSites, chosen: list[Group]) -> dict[int, Chains]:
        """Returns a gate for every kernel that reads channels, and where channels are first met, what draws them."""
        is_chosen = np.zeros(groups.count, bool)
        is_chosen[np.concatenate([group.channels for group in chosen])] = True
        wrappers = _wrappers(groups)
        chains: dict[int, Chains] = {}
        met: dict[int, list[str]] = {}
        for site in groups.sites:
            if not is_chosen[groups.channels_of(site.labels)].any():
                continue
            met.setdefault(id(site.layer), []).append(site.weight)
            if reads(site):
                self._refuse_frozen_roundings(site, wrappers)
                chain = chains.setdefault(id(site.layer), {}).setdefault(site.weight, [])
                chain.append(GatedKernel(site.axis, owner=self.name))
        layer, weight, calls = _first(groups, met, wrappers)
        config = self.config
        gates = StochasticGates(
            [len(group) for group in chosen],
            temperature=config.temperature,
            straight_through=config.straight_through,
            log_odds_init=config.log_odds_init,
            annealing_steps=config.annealing_steps,
            soft_mask=config.soft_mask,
            seed=config.seed,
            calls=calls,
            owner=self.name,
        )
        chains.setdefault(layer, {}).setdefault(weight, []).insert(0, gates)
        return chains

    def _look(self) -> None:
        place = np.full(self.groups.count, -1, np.int64)
        place[self._price.channels] = np.arange(len(self._price.channels))
        for site, _, each in self._readers():
            each.read_through(self._loss, place[self.groups.channels_of(site.labels)])

    def _term(self, thresholds: Tensor) -> Tensor:
        gates = self._loss
        r = gates.mask(training=True) if self.config.regularize_on_mask else gates.probabilities()
        return self._function.regularization(ops.cast(ops.greater_equal(r, thresholds), "float32"), r)

    def _values_now(self) -> Tensor:
        return self._loss.probabilities()

    def _limits(self, values: np.ndarray) -> np.ndarray:
        return np.full(len(values), self.config.alive_threshold, np.float32)

    def _distances(self) -> np.ndarray:
        # By logits: probabilities near 1 are all the same in float32.
        logits = np.asarray(ops.convert_to_numpy(self._loss.logits), np.float64)
        limit = np.log(self.config.alive_threshold) - np.log1p(-self.config.alive_threshold)
        above = logits - limit
        return np.where(above >= 0, 2.0 + np.maximum(above, 0.0), 1.0 / (1.0 - np.minimum(above, 0.0)))

    def _settle(self) -> None:
        """Makes the gates constant; where a rounding comes before one, a part of what is rounded."""
        gates = self._loss.settled()
        for site, wrapper, each in self._readers():
            each.settle(gates)
            chain = wrapper.weight_chains[site.weight]
            if any(isinstance(other, _ROUNDINGS) for other in chain[: chain.index(each)]):
                weight = wrapper.variable(site.weight)
                shape = [1] * len(weight.shape)
                shape[site.axis] = -1
                weight.assign(ops.convert_to_tensor(weight) * ops.reshape(ops.convert_to_tensor(each.line), shape))
                each.settle(np.ones_like(gates))

    @property
    def _loss(self) -> StochasticGates:
        found = super()._loss
        if not isinstance(found, StochasticGates):
            raise ConfigError(
                f'{self.name}: the model was prepared with another regularizer than "logistic_sigmoid". Take it up '
                "with the settings that it was prepared with."
            )
        return found

    def _readers(self) -> Iterator[tuple[Site, Compressed, GatedKernel]]:
        for site in self.groups.sites:
            wrapper = self._wrappers.get(site.path)
            if wrapper is None:
                continue
            for each in wrapper.weight_chains.get(site.weight, []):
                if isinstance(each, GatedKernel) and self._is_mine(each) and each.axis == site.axis:
                    yield site, wrapper, each

    def _refuse_frozen_roundings(self, site: Site, wrappers: Mapping[int, Compressed]) -> None:
        wrapper = wrappers.get(id(site.layer))
        before = wrapper.weight_chains.get(site.weight, []) if wrapper is not None else []
        if self.config.soft_mask and any(_holds_codes(each) for each in before):
            raise ConfigError(
                f"{self.name}: `{site.path}`, `{site.weight}` is rounded to codes that stay as they are, so "
                "that soft gates cannot become a part of it. Put `morphnet` before the other compressor in the chain, "
                "or set `soft_mask=False`."
            )


_ROUNDINGS = (FakeQuantize, LearnedStep)


def _holds_codes(transformation: Transformation) -> bool:
    known = isinstance(transformation, _ROUNDINGS)
    return isinstance(transformation, FrozenPortions) or (transformation.code_bits is not None and not known)


def _wrappers(groups: ChannelGroups) -> dict[int, Compressed]:
    """Returns the wrapper of each wrapped layer by the layer's identity."""
    operations = [step.operation for step in groups.trace.steps]
    return {id(inside(each)): each for each in operations if isinstance(each, Compressed)}


def _first(
    groups: ChannelGroups, met: Mapping[int, list[str]], wrappers: Mapping[int, Compressed]
) -> tuple[int, str, int]:
    """Returns the layer, by identity, and the weight that are used before all others, and how often in one call."""
    called = [id(inside(step.operation)) for step in groups.trace.steps if step.operation is not None]
    layer = next(each for each in called if each in met)
    known = [weight for weight in wrappers[layer].weight_chains if weight in met[layer]] if layer in wrappers else []
    return layer, (known or met[layer])[0], called.count(layer)
