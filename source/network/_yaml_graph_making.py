"""Makes the Keras layers of one node: names them, gives them their precision, and adds what may come behind."""

import math
from collections.abc import Callable
from typing import Any

import keras

from source.config.errors import ConfigError
from source.layer.transformation import Tensor
from source.network import _yaml_graph_objects as objects
from source.network._yaml_graph_settings import Linear, Normalization

# A kernel of more numbers than this takes 8 GiB.
_MOST_WEIGHTS = 2**31


class Making:
    """The layers of one node.

    Attributes:
        where: path of the node in the file.
        name: of its layer; other layers of the node have the name and an ending.
        settings: of its type.
        outputs: how many tensors it has to make.
    """

    def __init__(
        self, where: str, name: str, settings: Any, outputs: int, taken: dict[str, str], dtype: str | None
    ) -> None:
        """Takes up a node.

        Args:
            where: path of the node in the file.
            name: of its layer.
            settings: of its type.
            outputs: how many tensors it has to make.
            taken: names of layers so far, to where they stand; new ones are added.
            dtype: precision of its layers, where the settings do not say; None for that of the run.
        """
        self.where = where
        self.name = name
        self.settings = settings
        self.outputs = outputs
        self._taken = taken
        self._dtype = getattr(settings, "dtype", None) or dtype

    def layer(self, make: Callable[..., Any], ending: str = "", **arguments: Any) -> Any:
        """Returns a new layer.

        Args:
            make: its class.
            ending: of its name, such as `norm`; empty for the layer that the node is named for.
            **arguments: of the class.

        Raises:
            ConfigError: if another layer has the name.
        """
        name = self.named(ending)
        if self._dtype:
            arguments.setdefault("dtype", self._dtype)
        return make(name=name, **arguments)

    def named(self, ending: str = "") -> str:
        """Returns a name that no other layer has, and keeps it.

        Args:
            ending: of the name.

        Raises:
            ConfigError: if another layer has the name.
        """
        name = f"{self.name}_{ending}" if ending else self.name
        if name in self._taken:
            raise ConfigError(
                f"{self.where}: the name `{name}` is used twice: {self._taken[name]} makes a layer of this name."
            )
        self._taken[name] = self.where
        return name

    def initializer(self, name: str) -> keras.initializers.Initializer:
        """Returns an initializer.

        Args:
            name: of the setting.
        """
        return objects.initializer(getattr(self.settings, name), f"{self.where}.{name}")

    def regularizer(self, name: str) -> keras.regularizers.Regularizer | None:
        """Returns a regularizer, or None.

        Args:
            name: of the setting.
        """
        return objects.regularizer(getattr(self.settings, name), f"{self.where}.{name}")

    def require_weights(self, *lengths: int | None) -> None:
        """Refuses a kernel that no memory would hold.

        Args:
            *lengths: of its axes.
        """
        count = math.prod(length or 1 for length in lengths)
        if count > _MOST_WEIGHTS:
            raise ConfigError(f"{self.where}: its kernel would have {count} numbers, more than {_MOST_WEIGHTS}.")

    def biased(self) -> dict[str, Any]:
        """Returns the arguments of a convolution or dense layer about bias and training."""
        settings: Linear = self.settings
        normalized = settings.batch_normalization is not None
        return {
            "use_bias": not normalized if settings.use_bias is None else settings.use_bias,
            "bias_initializer": self.initializer("bias_initializer"),
            "bias_regularizer": self.regularizer("bias_regularizer"),
            "trainable": settings.trainable,
        }

    def own_activation(self) -> str | None:
        """Returns the activation that the layer itself can do, because nothing stands between; None for none."""
        name, settings = objects.split(self.settings.activation or "linear")
        own = self.settings.batch_normalization is None and not settings and name in objects.activation_names()
        return name if own and name != "linear" else None

    def finished(self, x: Tensor, activated: bool = False) -> Tensor:
        """Returns x normalized and activated, as the settings say.

        Args:
            x: what the layer made.
            activated: whether the layer has done that itself.
        """
        if activated:
            return x
        normalization = self.settings.batch_normalization
        if normalization is not None:
            x = self.normalized(x, normalization, "norm", trainable=self.settings.trainable)
        return self.activated(x)

    def normalized(self, x: Tensor, settings: Normalization, ending: str, **more: Any) -> Tensor:
        """Returns x after batch normalization.

        Args:
            x: (b, ..., c).
            settings: of the normalization.
            ending: of the name.
            **more: arguments of the layer.
        """
        kept = {name: getattr(settings, name) for name in ("momentum", "epsilon", "center", "scale")}
        return self.layer(keras.layers.BatchNormalization, ending, **{**kept, **more})(x)

    def activated(self, x: Tensor, ending: str | None = None) -> Tensor:
        """Returns x after the activation of the settings; x itself where there is none.

        Args:
            x: any shape.
            ending: of the name; None for the name of the activation.
        """
        named = self.settings.activation
        make = objects.activation_layer(named, f"{self.where}.activation")
        if make is None:
            return x
        name = named if isinstance(named, str) else named[0]
        return self.layer(make, name if ending is None else ending)(x)

    def padded(self, x: Tensor, padding: Any) -> tuple[Tensor, str]:
        """Returns x with zeros around it, where numbers say so, and the padding that is left for the layer itself.

        Args:
            x: (b, h, w, c).
            padding: "same", "valid", or pixels at top and bottom, left and right.
        """
        if isinstance(padding, str):
            return x, padding
        return self.layer(keras.layers.ZeroPadding2D, "pad", padding=padding)(x), "valid"
