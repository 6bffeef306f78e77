"""Factors of the loss for each class, given or made from how many examples the classes have."""

from collections.abc import Sequence

from source.config.errors import ConfigError


def class_weights(setting: Sequence[float] | str, counts: Sequence[int], names: Sequence[str]) -> tuple[float, ...]:
    """Returns the factor of each class; nothing when there are none.

    "balanced" is n / (classes * count), which every class then has the same share of the loss with, and the
    mean factor over all examples is 1. King, Zeng: Logistic regression in rare events data, 2001,
    https://doi.org/10.1093/oxfordjournals.pan.a004868.

    Args:
        setting: factors, "balanced", or nothing.
        counts: training examples of each class; no examples at all (as in evaluation) give no factors.
        names: of the classes, for messages.

    Raises:
        ConfigError: if "balanced" meets a class without examples.
    """
    if not isinstance(setting, str):
        return tuple(setting)
    total = sum(counts)
    if total == 0:
        return ()
    if 0 in counts:
        label = list(counts).index(0)
        name = names[label] if label < len(names) else str(label)
        raise ConfigError(
            f"class_weights: 'balanced' needs a training example of every class. Class `{name}` has none."
        )
    return tuple(total / (len(counts) * count) for count in counts)
