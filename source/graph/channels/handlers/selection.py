"""Slices and indices: along places they leave channels as they are; those that they choose among stay."""

import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, follow_not
from source.graph.channels.moved import moved
from source.graph.trace import Step


class Selection(Handler):
    """`x[:, 1:]`, `take`, `unstack`: their bounds are arguments that surgery leaves as they are."""

    names = ("GetItem", "Take", "TakeAlongAxis", "Unstack")

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes on what keeps all channels, and fixes what does not."""
        found = moved(step, flow)
        if found is None:
            follow_not(step, flow, f"`{step.path}` chooses among lengths that are free")
            return
        entering = flow.narrowed(flow.of(step.inputs[0])).ravel()
        if any(not np.array_equal(flow.narrowed(labels).ravel(), entering) for labels in found):
            flow.fix(entering, f"`{step.path}` chooses among them")
        for position, (output, labels) in enumerate(zip(step.outputs, found, strict=True)):
            flow.put_moved(output, labels, step.path, position)


HANDLER = Selection()
