"""What a layer's weights, inputs and outputs are seen through: a function of one tensor with its state in variables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError

Tensor = Any


class Transformation(keras.layers.Layer):
    """A function of a tensor that keeps its shape: a mask, a rounding, an observation.

    Works in float32 whatever the precision of the layer around it, and gives back what it was given. Subclasses
    override `transform`, create their variables in `build`, and say in `get_config` what their arguments were. What
    happens once, before training, happens in `calibrate`.

    A transformation belongs to one tensor: it must not be shared between chains.

    Attributes:
        owner: name of the compressor that keeps its state up to date; empty for nobody.
    """

    def __init__(self, owner: str = "", **kwargs: Any) -> None:
        super().__init__(dtype="float32", autocast=False, **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.owner = owner
        self.supports_masking = True
        self._collecting = False
        self.seen_shape: tuple[int | None, ...] = ()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the variables; subclasses call this first.

        Args:
            input_shape: of the tensor that will be transformed.
        """
        self.seen_shape = tuple(input_shape)

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns the float32 tensor that is seen in the place of x.

        Args:
            x: float32 tensor.
            training: whether the call belongs to a training step.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `transform`.")

    def calibrate(self, x: np.ndarray) -> None:
        """Sets the state from numbers that the transformation will see; does nothing where there is none to set.

        Args:
            x: float32, the weight, or a sample of the activations.
        """

    def begin_collection(self) -> None:
        """Makes calls pass tensors on unchanged and show them to `collect`, until `end_collection`."""
        self._collecting = True

    def collect(self, x: np.ndarray) -> None:
        """Takes a batch of activations into account.

        Args:
            x: float32.
        """

    def end_collection(self) -> None:
        """Sets the state from what was collected."""
        self._collecting = False

    def lasting(self) -> Callable[[keras.KerasTensor], keras.KerasTensor] | None:
        """Returns what a finished model keeps of a transformation of activations; None for nothing.

        Here, the transformation itself as a layer of its own, with its state, and nobody's.
        """
        [copied] = copies_of([self])
        copied.trainable, copied.owner = False, ""
        return copied

    @property
    def passes_gradient(self) -> bool:
        """Whether gradients reach what is transformed; if not, the wrapper holds that weight still."""
        return True

    @property
    def code_bits(self) -> float | None:
        """Bits of the code of one number as it leaves here; None where numbers stay float32."""
        return None

    def scale_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of what the codes of a tensor share, such as scales.

        Args:
            shape: of the tensor.
        """
        return 0

    def factor_bytes(self, shape: Sequence[int]) -> int | None:
        """Returns the bytes of what the tensor seen is made of in the place of its numbers; None where it is of these.

        Args:
            shape: of the tensor.
        """
        return None

    @property
    def description(self) -> str:
        """A few words for tables."""
        return self.name

    def get_build_config(self) -> None:
        """Returns None: the layer around it builds it, under its own name."""

    def call(self, x: Tensor, training: bool | None = None) -> Tensor:
        """Returns the tensor seen in the place of x, in the type of x."""
        numbers = ops.cast(x, "float32")
        if self._collecting and not isinstance(x, keras.KerasTensor):
            self.collect(np.asarray(ops.convert_to_numpy(numbers)))
            return x
        return ops.cast(self.transform(numbers, bool(training)), x.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values; subclasses add theirs."""
        return {"name": self.name, "owner": self.owner}

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape itself."""
        return input_shape

    def compute_output_spec(self, x: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Returns the shape and type of x."""
        return keras.KerasTensor(x.shape, dtype=x.dtype)


def serialized(chain: Sequence[Transformation]) -> list[dict[str, Any]]:
    """Returns a chain as plain values."""
    return [keras.saving.serialize_keras_object(each) for each in chain]


def deserialized(chain: Sequence[Any]) -> list[Transformation]:
    """Returns the chain that plain values mean; transformations are returned as they are.

    Raises:
        ConfigError: for anything else.
    """
    made = [keras.saving.deserialize_keras_object(each) if isinstance(each, Mapping) else each for each in chain]
    for each in made:
        if not isinstance(each, Transformation):
            raise ConfigError(f"A chain is made of transformations. Received: {each!r}.")
    return made


def copies_of(chain: Sequence[Transformation]) -> list[Transformation]:
    """Returns new transformations with the settings of these, and with their states where these are built."""
    copies = deserialized(serialized(chain))
    for each, copied in zip(chain, copies, strict=True):
        if each.built:
            copied.build(each.seen_shape)
            copied.built = True
            for variable, its_copy in zip(each.variables, copied.variables, strict=True):
                its_copy.assign(ops.copy(ops.convert_to_tensor(variable)))  # JAX would share the numbers
    return copies
