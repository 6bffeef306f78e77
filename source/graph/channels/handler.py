"""What a handler of a layer kind is, and how the handler of a layer is found."""

import abc
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from source.config.errors import ConfigError
from source.graph.channels.flow import Flow
from source.graph.trace import Step

Kept = Callable[[np.ndarray], np.ndarray]


class Handler(abc.ABC):
    """How channels pass through the layers of one kind.

    Attributes:
        kinds: classes of layers.
        names: names of classes that Keras does not export: of operations such as `x + y`, and of layers that only
            `keras.applications` has.
    """

    kinds: tuple[type, ...] = ()
    names: tuple[str, ...] = ()

    @abc.abstractmethod
    def follow(self, step: Step, flow: Flow) -> None:
        """Says the labels of what comes out, the sites of the weights, and what is tied or fixed.

        Args:
            step: the call.
            flow: what is known so far; the inputs have labels.
        """

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns the settings of the layer that are others when only some channels are kept.

        Args:
            step: the call.
            flow: as it was when all calls had been followed.
            kept: says for labels which are kept, as booleans of the same shape; or how often each comes, where a
                model gets wider.
        """
        return {}


_REGISTERED: dict[type, Handler] = {}


def register_handler(kind: type, handler: Handler) -> None:
    """Lets a handler follow the layers of a class, and of classes derived from it that have none of their own.

    Args:
        kind: the class of layers.
        handler: that follows them.

    Raises:
        ConfigError: for what is no handler.
    """
    if not isinstance(handler, Handler):
        raise ConfigError(f"handler: expected a `Handler`, made. Received: {handler!r}.")
    _REGISTERED[kind] = handler


def handler_of(step: Step) -> Handler:
    """Returns the handler of a call.

    Args:
        step: the call.

    Raises:
        ConfigError: naming a layer that no handler follows.
    """
    operation = step.operation
    by_kind, by_name = _shipped()
    for kind in type(operation).__mro__:
        found = _REGISTERED.get(kind) or by_kind.get(kind)
        if found is None and kind.__module__.partition(".")[0] == "keras":
            found = by_name.get(kind.__name__)
        if found is not None:
            return found
    raise ConfigError(
        f"Layer `{step.path}` ({type(operation).__name__}) cannot be followed: no handler knows how channels pass "
        "through it. Write one and tell it: `register_handler(the class, the handler)`."
    )


def _shipped() -> tuple[dict[type, Handler], dict[str, Handler]]:
    if not _SHIPPED:
        package = importlib.import_module("source.graph.channels.handlers")
        for module in pkgutil.iter_modules(package.__path__):
            handler: Handler = importlib.import_module(f"{package.__name__}.{module.name}").HANDLER
            for kind in handler.kinds:
                _SHIPPED[kind] = handler
            for name in handler.names:
                _SHIPPED_BY_NAME[name] = handler
    return _SHIPPED, _SHIPPED_BY_NAME


_SHIPPED: dict[type, Handler] = {}
_SHIPPED_BY_NAME: dict[str, Handler] = {}


def channel_axis(layer: Any, tensor: keras.KerasTensor) -> int:
    """Returns the axis of channels, counted from the end, of what goes into a layer with a `data_format`.

    Args:
        layer: with or without one.
        tensor: that goes in.
    """
    data_format = getattr(layer, "data_format", "channels_last") or keras.config.image_data_format()
    return 1 - len(tensor.shape) if data_format == "channels_first" else -1


def follow_not(step: Step, flow: Flow, reason: str) -> None:
    """Lets everything that goes into a call and comes out of it stay.

    Args:
        step: the call.
        flow: what is known so far.
        reason: a few words.
    """
    for tensor in step.inputs:
        flow.fix(flow.of(tensor), reason)
    for tensor in step.outputs:
        flow.put_opaque(tensor, reason)


def constants_of(step: Step) -> list[np.ndarray]:
    """Returns the arrays among the arguments of a call that are no symbolic tensors.

    Args:
        step: the call.
    """
    given = keras.tree.flatten((step.args, step.kwargs))
    return [
        keras.ops.convert_to_numpy(each)
        for each in given
        if hasattr(each, "shape") and not isinstance(each, keras.KerasTensor)
    ]
