"""What a model costs with some of its channels gone, from the cost of each weight before."""

from collections.abc import Callable, Collection

import keras
import numpy as np

from source.graph.channel_groups import ChannelGroups
from source.graph.cost import cost


class ChannelCost:
    """Parameters and products of a model as functions of the channels that are kept.

    A weight with c channels along an axis of which k are kept has k / c of its numbers and takes part in k / c of its
    products; along several axes, these shares multiply.

    Attributes:
        before: parameters and MACs of the whole model.
    """

    def __init__(self, model: keras.Model, groups: ChannelGroups) -> None:
        """Counts what there is, once.

        Args:
            model: prepared, or plain.
            groups: of this model.

        Raises:
            ConfigError: for a model that leaves lengths free.
        """
        whole = cost(model)
        self.before = whole.total("parameters"), whole.total("macs")
        sites: dict[tuple[str, str], list[np.ndarray]] = {}
        for site in groups.sites:
            sites.setdefault((site.path, site.weight), []).append(groups.channels_of(site.labels))
        self._weights = [
            (layer.name, weight.numbers if weight.is_parameter else 0, weight.macs, sites[layer.name, weight.path])
            for layer in whole.layers
            for weight in layer.weights
            if (layer.name, weight.path) in sites
        ]

    def after(self, is_kept: Callable[[np.ndarray], np.ndarray], gone: Collection[str] = ()) -> tuple[int, int]:
        """Returns parameters and MACs of the model without what is gone.

        Args:
            is_kept: says for numbers of channels which are kept, as booleans.
            gone: paths of layers that are gone as a whole.
        """
        parameters, macs = self.before
        for layer, numbers, products, lines in self._weights:
            share = 0.0 if layer in gone else float(np.prod([is_kept(line).mean() for line in lines]))
            parameters -= numbers - round(numbers * share)
            macs -= products - round(products * share)
        return parameters, macs
