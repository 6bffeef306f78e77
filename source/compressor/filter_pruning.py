"""Takes out the channels of the least worth, a few at a time while the model trains, or all at once."""

from collections.abc import Iterator
from typing import Any, Literal

import keras
import numpy as np

from source.compressor._channel_gradients import LabelledExamples
from source.compressor._channel_scores import magnitudes, squared_gates, sums
from source.compressor._channel_sites import ChannelSites, Found, gathered, is_offset, is_scale
from source.compressor._scheduled_channels import ScheduledChannels, ScheduledChannelsConfig
from source.compressor.channel_compressor import makes
from source.compressor.compressor import Calibration
from source.config.config import require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.graph.channel_groups import ChannelGroups, Group
from source.layer import weight_paths

Score = Literal["l1", "l2", "geometric_median", "batch_norm", "taylor", "random"]


@settings
class Config(ScheduledChannelsConfig):
    """Settings of filter pruning.

    Attributes:
        score: what is worth least: "l1", mean |w| of what makes a channel; "l2", the root of the mean square;
            "geometric_median", the sum of distances to the other channels of the layer; "batch_norm", |scale| of the
            normalizations; "taylor", the square of what the loss would change by, to first order; "random".
        scope: "group", each loses its share, or "global", the least of all go, wherever they are.
        loss: of score "taylor": a name of Keras, or a loss; None takes what the model in training is compiled with.
        seed: of score "random".
    """

    score: Score = "l1"
    scope: Literal["group", "global"] = "group"
    loss: Any = None
    seed: int = 0

    def __post_init__(self) -> None:
        self.check(self.scope)
        require(self.loss is None or self.score == "taylor", "loss", 'None but for score="taylor"', self.loss)


def build(config: Config) -> "FilterPruning":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return FilterPruning(config)


class FilterPruning(ScheduledChannels):
    """Channels go in the order of a score; those that go together are scored together.

    Li et al.: Pruning filters for efficient ConvNets, 2017, https://arxiv.org/abs/1608.08710; He et al.: Filter pruning
    via geometric median, 2019, https://arxiv.org/abs/1811.00250; Molchanov et al.: Importance estimation for neural
    network pruning, 2019, https://arxiv.org/abs/1906.10771
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, config.scope)
        self._examples: LabelledExamples | None = None

    @property
    def needs_calibration(self) -> bool:
        """Whether `prepare` must be given labelled examples."""
        return self.config.score == "taylor"

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model with masks that keep everything at first; the model itself stays as it is.

        Args:
            model: functional or sequential, built.
            calibration: for score "taylor", a pair of inputs and labels; not looked at otherwise.
        """
        if self.needs_calibration:
            self.take_examples(calibration)
        return super().prepare(model, calibration)

    def take_examples(self, calibration: Calibration) -> None:
        """Sets the examples that score "taylor" looks at; a compressor that takes up a loaded model needs them again.

        Args:
            calibration: a pair of inputs and labels.

        Raises:
            ConfigError: for anything else.
        """
        if not isinstance(calibration, tuple) or len(calibration) != 2:
            raise ConfigError(
                f'{self.name}: score="taylor" needs examples with labels: `prepare(model, calibration=(x, y))`. '
                f"Received: {type(calibration).__name__}."
            )
        self._examples = LabelledExamples(*calibration, loss=self.config.loss)

    def refusal(self, group: Group, groups: ChannelGroups, sites: ChannelSites) -> str | None:
        """Returns why a group has no score."""
        if self.config.score == "random" or any(True for _ in self._scored(group, groups, sites)):
            return None
        lacks = "normalization with a trained scale" if self.config.score == "batch_norm" else "kernel"
        return f'no {lacks} makes them, which score="{self.config.score}" looks at'

    def scores(self, groups: list[Group]) -> list[np.ndarray]:
        """Returns what channels are worth: the mean over the layers that make them, or normalize them."""
        if self.config.score == "taylor":
            return self._taylor(groups)
        return [self._score(group) for group in groups]

    def _score(self, group: Group) -> np.ndarray:
        if self.config.score == "random":
            [first] = [index for index, each in enumerate(self.groups.groups) if each is group]
            return np.random.default_rng([self.config.seed, first]).permutation(len(group)).astype(np.float64)
        found = [
            gathered(magnitudes(self.weight_at(site), site.axis, self.config.score), places, len(group))
            for site, places in self._scored(group, self.groups, self._sites)
        ]
        return np.mean(found, axis=0)

    def _scored(self, group: Group, groups: ChannelGroups, sites: ChannelSites) -> Iterator[Found]:
        """Yields the sites of a group that its score is made of."""
        for site, places in sites.of(group):
            if is_scale(site.layer, site.weight) if self.config.score == "batch_norm" else makes(site, groups):
                yield site, places

    def _taylor(self, groups: list[Group]) -> list[np.ndarray]:
        """Returns the mean over batches of (sum of w dL/dw)^2, summed over the gates of each channel."""
        if self._examples is None:
            raise ConfigError(
                f'{self.name}: score="taylor" has no examples: a saved model does not hold them. Call '
                "`compressor.take_examples((x, y))` before training goes on."
            )
        gates = [list(self._gates(group)) for group in groups]
        found = [np.zeros(len(group)) for group in groups]
        batches = 0
        for products in self._examples.products(self.model):
            batches += 1
            for score, group, each in zip(found, groups, gates, strict=True):
                score += squared_gates(self._changes(gate, len(group), products) for gate in each)
        return [score / batches for score in found]

    def _gates(self, group: Group) -> Iterator[list[Found]]:
        """Yields the sites of each layer whose weights scale whole channels.

        These are normalizations, for scale and offset multiply all that a channel is. Only without one are they the
        kernels and biases that make it: of a kernel before a normalization by the batch, sum of w dL/dw is always 0.
        """
        by_layer: dict[int, list[Found]] = {}
        for site, places in self.sites_of(group):
            if is_scale(site.layer, site.weight) or is_offset(site.layer, site.weight):
                by_layer.setdefault(id(site.layer), []).append((site, places))
        if not by_layer:
            for site, places in self.sites_of(group):
                if self.makes(site) or site.weight.rpartition("/")[2] == "bias":
                    by_layer.setdefault(id(site.layer), []).append((site, places))
        yield from by_layer.values()

    def _changes(self, gate: list[Found], count: int, products: dict[int, np.ndarray]) -> np.ndarray:
        lines = [
            sums(products[variable], site.axis, places, count)
            for site, places in gate
            if (variable := id(weight_paths.of(site.layer)[site.weight])) in products
        ]
        return np.sum(lines, axis=0) if lines else np.zeros(count)
