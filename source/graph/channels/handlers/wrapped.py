"""Layers in the wrapper that compression puts around them: what they see has the same channels."""

import dataclasses

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, handler_of
from source.graph.trace import Step
from source.layer.compressed import Compressed


class Wrapped(Handler):
    """Looks inside; the sites are those of the layer in the wrapper."""

    kinds = (Compressed,)

    def follow(self, step: Step, flow: Flow) -> None:
        """Follows the layer inside."""
        inner = dataclasses.replace(step, operation=step.operation.layer)
        handler_of(inner).follow(inner, flow)


HANDLER = Wrapped()
