"""Slices and indices: along places they leave channels as they are; those that they choose among stay."""

import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler
from source.graph.channels.moved import follow_moved
from source.graph.trace import Step


class Selection(Handler):
    """`x[:, 1:]`, `take`, `unstack`: their bounds are arguments that surgery leaves as they are."""

    names = ("GetItem", "Take", "TakeAlongAxis", "Unstack")

    def follow(self, step: Step, flow: Flow) -> None:
        """Passes on what keeps all channels, and fixes what does not."""
        found = follow_moved(step, flow, f"`{step.path}` chooses among lengths that are free")
        entering = flow.narrowed(flow.of(step.inputs[0])).ravel()
        if any(not np.array_equal(flow.narrowed(labels).ravel(), entering) for labels in found):
            flow.fix(entering, f"`{step.path}` chooses among them")


HANDLER = Selection()
