"""A model widened, or narrowed, until it costs what it is to cost: the second half of shrinking and expanding."""

import keras

from source.config.errors import ConfigError
from source.graph.channel_cost import Target, channel_cost
from source.graph.channel_groups import channel_groups
from source.graph.hardware.description import Hardware
from source.surgery.widths import expand, multiplied

_STEPS = 40  # halvings of the multiplier
_MOST = 2.0**20


def expand_to(
    model: keras.Model,
    cost: float,
    target: Target = "flops",
    multiple: int = 1,
    hardware: str | Hardware | None = None,
) -> keras.Model:
    """Returns a model with all free widths multiplied by the largest number at which it costs no more than is asked.

    Weights are initial ones where widths have changed. Gordon et al.: MorphNet, 2018, https://arxiv.org/abs/1711.06798

    Args:
        model: functional or sequential, built.
        cost: of the result at most, in the unit of the target.
        target: what is counted.
        multiple: that widths are rounded to.
        hardware: for target "latency".

    Raises:
        ConfigError: for a cost below that of the narrowest model.
    """
    groups = channel_groups(model)
    priced = channel_cost(model, groups, hardware=hardware)

    def at(multiplier: float) -> float:
        return priced.total(target, multiplied(groups, multiplier, multiple)[priced.channels])

    low, high = 1.0 / _MOST, 1.0
    if at(low) > cost:
        raise ConfigError(f"cost: the narrowest model has {target} {at(low):,.6g}. Received: cost={cost:,.6g}.")
    while at(high) <= cost and high < _MOST:
        low, high = high, 2.0 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if at(middle) <= cost else (low, middle)
    return expand(model, low, multiple)
