"""Products of tensors and other operations in which channels meet others: all of them stay."""

from source.graph.channels.flow import Flow
from source.graph.channels.handler import Handler, follow_not
from source.graph.trace import Step


class Mixing(Handler):
    """`matmul`, `einsum` and the like, whose arguments surgery leaves as they are."""

    names = (
        *("Matmul", "Einsum", "Dot", "Tensordot", "Inner", "Outer", "Vdot", "Cross", "DotProductAttention"),
        *("Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose", "BatchNorm", "ExtractPatches", "Glu"),
        *("Sort", "Argsort", "TopK", "Cumsum", "Cumprod", "BroadcastTo", "OneHot", "SoftmaxCrossEntropy", "Ravel"),
    )

    def follow(self, step: Step, flow: Flow) -> None:
        """Lets all channels stay."""
        follow_not(step, flow, f"`{step.path}` mixes them")


HANDLER = Mixing()
