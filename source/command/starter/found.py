"""What was found where somebody's pictures are."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

# Files that are opened to see how large pictures are: their headers alone, evenly spread.
_LOOKED_AT = 200
_GREY = ("1", "L", "I", "I;16", "F")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shapes:
    """How large pictures are.

    Attributes:
        sizes: height and width of each that was looked at, pixels.
        depth: channels: 1 if all are grey, else 3.
        broken: those of the files looked at that are no pictures.
    """

    sizes: Sequence[tuple[int, int]]
    depth: int
    broken: Sequence[str] = ()

    @property
    def shorter(self) -> int:
        """The median of the shorter sides, pixels."""
        return round(statistics.median(min(size) for size in self.sizes))

    @property
    def are_equal(self) -> bool:
        """Whether all have one size."""
        return len(set(self.sizes)) == 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """A data set as it lies there.

    Attributes:
        inputter: name of the plugin that reads it.
        train: what `train_dataset_meta` is to be.
        evaluate: what `eval_dataset_meta` is to be; empty if it follows from `train`.
        classes: names, in the order of the labels.
        counts: how many training and evaluation pictures each class has.
        shapes: how large they are.
        settings: of the inputter, beyond these.
        named: whether the recipe must say what the classes are called.
    """

    inputter: str
    train: str
    evaluate: str = ""
    classes: tuple[str, ...]
    counts: Mapping[str, tuple[int, int]]
    shapes: Shapes
    settings: Mapping[str, object] = dataclasses.field(default_factory=dict)
    named: bool = False

    @property
    def num_train(self) -> int:
        """How many pictures there are to train on, those that will be held out among them."""
        return sum(train for train, _ in self.counts.values())

    @property
    def num_evaluate(self) -> int:
        """How many pictures there are to evaluate on, beside those to train on."""
        return sum(evaluate for _, evaluate in self.counts.values())


def shapes_of(files: Sequence[str | Path]) -> Shapes | None:
    """Returns how large some pictures are, by the headers of a few; None if none of these is a picture.

    Args:
        files: all of them.
    """
    step = max(1, -(-len(files) // _LOOKED_AT))
    sizes, broken, is_grey = [], [], True
    for file in files[::step]:
        try:
            with Image.open(file) as picture:
                sizes.append((picture.height, picture.width))
                is_grey &= picture.mode in _GREY
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow says of broken headers
            broken.append(str(file))
    return Shapes(sizes=sizes, depth=1 if is_grey else 3, broken=tuple(broken)) if sizes else None
