"""What `inspect()` found out about a data set, and how it reads."""

import dataclasses

import numpy as np

from source.inputter._faults import BadExample

_LISTED = 20


@dataclasses.dataclass(frozen=True)
class SplitReport:
    """One split.

    Attributes:
        class_counts: good examples of each class.
        heights: smallest and largest, pixels; None without examples.
        widths: smallest and largest, pixels; None without examples.
        channels: channels of the images as they are stored, and how many have them.
    """

    class_counts: tuple[int, ...]
    heights: tuple[int, int] | None
    widths: tuple[int, int] | None
    channels: dict[int, int]

    @property
    def count(self) -> int:
        """How many examples are good."""
        return sum(self.class_counts)


@dataclasses.dataclass(frozen=True)
class Report:
    """A data set of image classification.

    Attributes:
        class_names: names in the order of the labels.
        splits: what was found in each split that has examples.
        bad: all examples that cannot be used.
    """

    class_names: tuple[str, ...]
    splits: dict[str, SplitReport]
    bad: tuple[BadExample, ...]

    def __str__(self) -> str:
        lines = [line for name, split in self.splits.items() for line in _split_lines(name, split)]
        lines += _bad_lines(self.bad)
        width = max([5, *map(len, self.class_names)])
        header = f"{'class':<{width}}" + "".join(f"  {name:>8}" for name in self.splits)
        rows = [
            f"{name:<{width}}" + "".join(f"  {split.class_counts[label]:>8}" for split in self.splits.values())
            for label, name in enumerate(self.class_names)
        ]
        return "\n".join([*lines, header, *rows])


def split_report(labels: np.ndarray, shapes: np.ndarray, num_classes: int) -> SplitReport:
    """Returns the report of one split.

    Args:
        labels: (n,) classes of the good examples.
        shapes: (n, 3) their heights, widths and channels.
        num_classes: how many classes there are.
    """
    counts = tuple(np.bincount(labels, minlength=num_classes).tolist())
    if not len(shapes):
        return SplitReport(counts, None, None, {})
    (low_h, low_w, _), (high_h, high_w, _) = shapes.min(axis=0).tolist(), shapes.max(axis=0).tolist()
    channels, times = np.unique(shapes[:, 2], return_counts=True)
    stored = dict(zip(channels.tolist(), times.tolist(), strict=True))
    return SplitReport(counts, (low_h, high_h), (low_w, high_w), stored)


def _split_lines(name: str, split: SplitReport) -> list[str]:
    lines = [f"{name}: {split.count} examples"]
    if split.heights and split.widths:
        channels = ", ".join(f"{count} with {c}" for c, count in split.channels.items())
        lines.append(f"  height {_range(split.heights)}, width {_range(split.widths)} pixels; channels: {channels}")
    return lines


def _bad_lines(bad: tuple[BadExample, ...]) -> list[str]:
    lines = [f"bad: {len(bad)} examples", *(f"  {example}" for example in bad[:_LISTED])]
    return [*lines, f"  and {len(bad) - _LISTED} more"] if len(bad) > _LISTED else lines


def _range(ends: tuple[int, int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
