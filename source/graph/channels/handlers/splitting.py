"""Splits: parts of the channels, or the same channels at parts of the places."""

from typing import Any

import numpy as np

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, Kept
from source.graph.channels.moved import follow_moved
from source.graph.trace import Step


class Splitting(Handler):
    """`keras.ops.split`, into equal parts or at places."""

    names = ("Split", "ArraySplit")

    def follow(self, step: Step, flow: Flow) -> None:
        """Gives each part its labels."""
        follow_moved(step, flow, f"`{step.path}` splits lengths that are free")

    def changed(self, step: Step, flow: Flow, kept: Kept) -> dict[str, Any]:
        """Returns where to split what is kept."""
        tensor = step.inputs[0]
        axis = step.operation.axis % len(tensor.shape) - len(tensor.shape)
        if flow.of(tensor).shape[axis] == 1:
            return {}
        counts = [int(kept(flow.channels(output, axis)).sum()) for output in step.outputs]
        return {"indices_or_sections": np.cumsum(counts)[:-1].tolist()}


HANDLER = Splitting()
