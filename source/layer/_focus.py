"""What a focused format has found about a weight, kept in variables of a layer until it is found anew."""

from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor
from source.numeric.focused import Focus, Focused
from source.numeric.format import NumberFormat
from source.numeric.grammar import number_format


def focused(format: str | NumberFormat) -> Focused:
    """Returns a focused format.

    Raises:
        ConfigError: for another format.
    """
    found = number_format(str(format))
    if not isinstance(found, Focused):
        raise ConfigError(f'Expected a focused format such as "focused<5>". Received: {found}.')
    return found


# Shape and type of each variable.
_VARIABLES = {
    "split": ((), "bool"),
    "means": ((2,), "float32"),
    "steps": ((2,), "float32"),
    "scale": ((1,), "float32"),
    "positive_bins": ((1024,), "bool"),
}


class FocusVariables:
    """Means, steps and components of a weight, in variables of a layer."""

    def __init__(self, layer: keras.layers.Layer) -> None:
        """Creates the variables, with steps of one about zero.

        Args:
            layer: that is being built.
        """
        settings: dict[str, Any] = {"trainable": False, "aggregation": "only_first_replica"}
        self._variables = {
            name: layer.add_weight(
                name=name,
                shape=shape,
                dtype=dtype,
                initializer="ones" if name in ("steps", "scale") else "zeros",
                **settings,
            )
            for name, (shape, dtype) in _VARIABLES.items()
        }

    def value(self) -> Focus:
        """Returns what was found last."""
        return Focus(**{name: ops.copy(ops.convert_to_tensor(each)) for name, each in self._variables.items()})

    def refit(self, format: Focused, x: Tensor) -> None:
        """Finds means, steps and components anew.

        Args:
            format: which has something to find.
            x: the weight, float32.
        """
        for name, value in format.fit(ops.convert_to_tensor(x))._asdict().items():
            self._variables[name].assign(value)
