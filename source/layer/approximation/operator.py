"""What every approximated operator is: a cheap value, with the gradient of the exact operator."""

import abc
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import keras
from keras import ops

from source.config import nearest
from source.config.errors import ConfigError, DataError, UnknownNameError
from source.layer.approximation._arithmetic import Tensor


@dataclasses.dataclass(frozen=True)
class Approximation(abc.ABC):
    """An operator whose value is approximate and whose gradient is that of the exact operator at the exact values.

    It is called as the operator is, and serves as an activation of Keras layers. Values are computed in float32 or in
    numbers of fewer bits, simulated by float32, and returned in the type that the exact operator has. `str()` gives a
    name that `source.layer.approximation.grammar.approximation` reads back.

    Attributes:
        algorithm: how the value is computed.
        numbers: in which numbers: "float16", "bfloat16", "float32", or "int" for fixed point with 14 fraction bits.
    """

    operator: ClassVar[str]
    algorithms: ClassVar[Mapping[str, tuple[str, ...]]]

    algorithm: str
    numbers: str

    def __post_init__(self) -> None:
        _choose("algorithm", f"`{self.operator}`", self.algorithm, self.algorithms)
        working = self.algorithms[self.algorithm]
        _choose("kind of numbers", f"`{self.operator}` by `{self.algorithm}`", self.numbers, working)

    @abc.abstractmethod
    def exact(self, x: Tensor, *args: Any, **options: Any) -> Tensor:
        """Returns what the exact operator does.

        Args:
            x: floating point numbers.
            *args: what else the operator takes.
            **options: the same by name.
        """

    @abc.abstractmethod
    def approximate(self, x: Tensor, *args: Any, **options: Any) -> Tensor:
        """Returns the approximation alone, as float32 and without a gradient of meaning.

        Args:
            x: floating point numbers.
            *args: what else the operator takes.
            **options: the same by name.
        """

    def __call__(self, x: Any, *args: Any, **options: Any) -> Tensor:
        """Returns the approximation, with the gradient of the exact operator.

        Args:
            x: floating point numbers.
            *args: what else the operator takes.
            **options: the same by name.
        """
        x = as_tensor(x)
        return with_gradient_of(self.exact(x, *args, **options), self.approximate(x, *args, **options))

    def approximation_error(self, x: Any, *args: Any, **options: Any) -> Tensor:
        """Returns the approximation minus the exact value, float32.

        Args:
            x: floating point numbers.
            *args: what else the operator takes.
            **options: the same by name.
        """
        x = as_tensor(x)
        exact = self.exact(ops.cast(x, "float32"), *args, **options)
        return ops.subtract(self.approximate(x, *args, **options), exact)

    def get_config(self) -> dict[str, Any]:
        """Returns the fields, for Keras to save."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Returns the operator of saved fields.

        Args:
            config: what `get_config` returned.
        """
        return cls(**config)

    def __str__(self) -> str:
        return f"{self.operator}<{self.algorithm},{self.numbers}>"


def with_gradient_of(exact: Tensor, value: Tensor) -> Tensor:
    """Returns `value` in the type of `exact`, with the gradient of `exact`.

    Args:
        exact: a tensor through which the gradient goes.
        value: of the same shape; no gradient goes through it.
    """

    @ops.custom_gradient
    def replaced(exact: Tensor, value: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
        def gradient(*args: Tensor, upstream: Tensor | None = None) -> tuple[Tensor, Tensor]:
            # Backends hand the gradient from above over by position or by name.
            above = args[0] if upstream is None else upstream
            return above, ops.zeros_like(above)

        return ops.multiply(value, 1.0), gradient

    return replaced(exact, ops.stop_gradient(ops.cast(value, exact.dtype)))


def as_tensor(x: Any) -> Tensor:
    """Returns x as a tensor of floating point numbers; integers get the default type of Keras.

    Args:
        x: numbers, an array or a tensor.

    Raises:
        DataError: for symbolic tensors, which hold no numbers.
    """
    if isinstance(x, keras.KerasTensor):
        raise DataError(
            "Approximations take numbers; wrap one in `keras.layers.Activation` to use it in a functional model. "
            "Received: a symbolic tensor."
        )
    x = ops.convert_to_tensor(x)
    is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))
    return x if is_float else ops.cast(x, keras.config.floatx())


def _choose(what: str, where: str, name: Any, known: Any) -> None:
    if not isinstance(name, str):
        raise ConfigError(f"The {what} of {where} must be a name. Received: {name!r}.")
    if name not in known:
        raise UnknownNameError(f"There is no {what} `{name}` of {where}. {nearest.did_you_mean(name, known)}")
