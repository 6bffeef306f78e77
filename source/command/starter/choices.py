"""What suits a data set, unless somebody says otherwise: size, network, distortion, batch and epochs."""

import dataclasses
from typing import Any

from source.command.starter.found import Found

_SIDES = (32, 48, 64)
# Above this, equal pictures are made smaller as photographs are.
_LARGEST_KEPT = 96
_FEW = 2_000
_STEPS = 1_500
_MOST_EPOCHS, _LEAST_EPOCHS = 60, 10
_HELD_OUT = 0.2
_SMALL_SHARE_OF_BATCHES = 320


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """How a network is trained on a data set.

    Attributes:
        network: name of a plugin or of a shipped recipe.
        height: of the pictures that the network sees, pixels; None leaves it to the recipe of the network.
        width: of the pictures that the network sees, pixels; None leaves it to the recipe of the network.
        depth: channels.
        augmenter: name and settings.
        batch: pictures in a step.
        epochs: how often all are gone through.
        held_out: share of each class that is kept for evaluation; 0 if there is other data for it.
    """

    network: str
    height: int | None
    width: int | None
    depth: int
    augmenter: dict[str, Any]
    batch: int
    epochs: int
    held_out: float


def choose(
    found: Found,
    network: str | None = None,
    size: int | None = None,
    epochs: int | None = None,
    mirror: bool | None = None,
    sized: bool = False,
) -> Choices:
    """Returns what suits a data set.

    Args:
        found: the data.
        network: to take; None chooses one by how many pictures there are.
        size: sides of the pictures that the network sees, pixels; None chooses by what they are.
        epochs: to train; None aims at some 1,500 steps.
        mirror: whether pictures mean the same when they are mirrored; None takes it for coloured ones.
        sized: whether the network has a size of its own, which is then left to it.
    """
    shapes = found.shapes
    keeps = size is None and shapes.are_equal and max(shapes.sizes[0]) <= _LARGEST_KEPT
    side = size or max((side for side in _SIDES if side <= shapes.shorter), default=_SIDES[0])
    height, width = shapes.sizes[0] if keeps else (side, side)
    batch = 16 if found.num_train < _SMALL_SHARE_OF_BATCHES else 32
    wanted = round(_STEPS * batch / max(found.num_train, 1))
    leaves = sized and size is None
    return Choices(
        network=network or ("resnet8" if found.num_train < _FEW else "resnet20"),
        height=None if leaves else height,
        width=None if leaves else width,
        depth=3 if leaves else shapes.depth,
        augmenter=_augmenter(found, keeps and not leaves, shapes.depth == 3 if mirror is None else mirror, height),
        batch=batch,
        epochs=epochs or min(max(wanted, _LEAST_EPOCHS), _MOST_EPOCHS),
        held_out=0.0 if found.num_evaluate else _HELD_OUT,
    )


def _augmenter(found: Found, keeps: bool, mirror: bool, height: int) -> dict[str, Any]:
    if keeps:
        still = {"brightness": 0.0, "contrast_low": 1.0, "contrast_high": 1.0, "normalization": "symmetric"}
        return {"name": "cifar_augmenter", "pad": max(1, height // 8), "flip": mirror, **still}
    return {"name": "inception_augmenter", "area_low": 0.3, "flip": mirror, "color": found.shapes.depth == 3}
