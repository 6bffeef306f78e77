"""What compression has come to: for each weight what is kept, in how many bits and bytes, and how exactly."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.layer import weight_paths
from source.layer.batch_normalized import BatchNormalized
from source.layer.channel_mask import ChannelMask
from source.layer.compressed import Compressed
from source.layer.mask import Mask
from source.layer.transformation import Transformation
from source.surgery.rewrite import layers_of
from source.surgery.wrap import inside

_FLOAT_BITS = 32
_COLUMNS = ("layer", "weight", "shape", "kept", "sparsity", "bits", "bytes", "sqnr_db", "how")

Reason = Callable[[keras.layers.Layer, str, keras.Variable], str]


@dataclasses.dataclass(frozen=True)
class Row:
    """One weight.

    Attributes:
        layer: name of its layer.
        weight: its path below the layer.
        shape: of the weight.
        kept: numbers that are not zero.
        bits: of a stored number of the weight, all bytes counted: codes, scales, and where the kept ones are.
        bytes: of the weight, stored so: codes of the kept numbers, scales, index.
        sqnr_db: signal to quantization noise, 10 log10(sum w^2 / sum (w - f(w))^2); infinite for unchanged weights.
        how: what the weight is seen through; or why it is not compressed.
        compressed: whether it is.
    """

    layer: str
    weight: str
    shape: tuple[int, ...]
    kept: int
    bits: float
    bytes: int
    sqnr_db: float
    how: str
    compressed: bool

    @property
    def numbers(self) -> int:
        """How many numbers the weight holds."""
        return math.prod(self.shape)

    @property
    def sparsity(self) -> float:
        """Share of zeros."""
        return 1.0 - self.kept / max(1, self.numbers)


@dataclasses.dataclass(frozen=True)
class Report:
    """All weights of a model, in order.

    Bytes are those of packed codes, scales and an index of the kept numbers, before any entropy coding and without
    the container of a file.

    Attributes:
        rows: one for each weight.
        activations: place of each transformation of inputs and outputs, such as `conv1 output`, to what it is.
        notes: what else the compressor has to say of it, one line each.
    """

    rows: tuple[Row, ...]
    activations: dict[str, str]
    notes: tuple[str, ...] = ()

    def with_notes(self, *notes: str) -> "Report":
        """Returns the report with further notes.

        Args:
            *notes: one line each.
        """
        return dataclasses.replace(self, notes=(*self.notes, *notes))

    @property
    def compressed(self) -> tuple[Row, ...]:
        """The weights that are compressed."""
        return tuple(row for row in self.rows if row.compressed)

    @property
    def not_compressed(self) -> tuple[Row, ...]:
        """The weights that are not; `how` says why."""
        return tuple(row for row in self.rows if not row.compressed)

    def totals(self) -> dict[str, float]:
        """Returns numbers, kept, sparsity, bits a number, bytes, bytes of float32 and their ratio, of all weights."""
        numbers, kept = sum(row.numbers for row in self.rows), sum(row.kept for row in self.rows)
        stored, plain = sum(row.bytes for row in self.rows), numbers * _FLOAT_BITS // 8
        return {
            "numbers": numbers,
            "kept": kept,
            "sparsity": 1.0 - kept / max(1, numbers),
            "bits": 8.0 * stored / max(1, numbers),
            "bytes": stored,
            "float32_bytes": plain,
            "ratio": plain / max(1, stored),
        }

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as plain values that JSON can hold; an infinite SQNR becomes None."""
        rows = [
            {
                **dataclasses.asdict(row),
                "shape": list(row.shape),
                "sqnr_db": row.sqnr_db if math.isfinite(row.sqnr_db) else None,
            }
            for row in self.rows
        ]
        return {"rows": rows, "activations": self.activations, "totals": self.totals(), "notes": list(self.notes)}

    def to_markdown(self) -> str:
        """Returns the report as Markdown tables."""
        lines = [_line(_COLUMNS), _line(["---"] * len(_COLUMNS)), *(_line(cells) for cells in self._cells())]
        return "\n".join(lines)

    def __str__(self) -> str:
        table = [list(_COLUMNS), *self._cells()]
        widths = [max(len(row[column]) for row in table) for column in range(len(_COLUMNS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        left = [f"not compressed: {row.layer} {row.weight}: {row.how}" for row in self.not_compressed]
        seen = [f"{place}: {what}" for place, what in self.activations.items()]
        return "\n".join(line.rstrip() for line in [*lines, *left, *seen, *self.notes])

    def _cells(self) -> Iterator[list[str]]:
        for row in self.compressed:
            shape = "x".join(str(length) for length in row.shape)
            cells = [row.layer, row.weight, shape, f"{row.kept:,}", f"{row.sparsity:.2%}", f"{row.bits:.3f}"]
            yield [*cells, f"{row.bytes:,}", f"{row.sqnr_db:.1f}", row.how]
        totals = self.totals()
        cells = ["all weights", "", f"{totals['numbers']:,}", f"{totals['kept']:,}", f"{totals['sparsity']:.2%}"]
        yield [*cells, f"{totals['bits']:.3f}", f"{totals['bytes']:,}", "", f"{totals['ratio']:.2f} times smaller"]


def of_model(model: keras.Model, reason: Reason) -> Report:
    """Returns the report of a prepared model.

    Args:
        model: prepared by a compressor.
        reason: says why a weight is not compressed.
    """
    rows, activations = [], {}
    for layer in layers_of(model):
        bare = inside(layer)
        if isinstance(layer, Transformation):
            activations[layer.name] = layer.description
            continue
        for path, variable in weight_paths.of(bare).items():
            if isinstance(bare, BatchNormalized) and variable is bare.frozen:
                continue  # whether statistics are frozen, which no finished model holds
            if path.endswith("seed_generator_state"):
                continue  # what random numbers are drawn from, which is no weight
            chain = layer.weight_chains.get(path, []) if isinstance(layer, Compressed) else []
            rows.append(_row(layer, path, variable, chain) if chain else _plain(bare, path, variable, reason))
        if isinstance(layer, Compressed):
            activations |= {f"{layer.name} {place}": how for place, how in _seen_through(layer).items()}
    return Report(tuple(rows), activations)


def _seen_through(layer: Compressed) -> dict[str, str]:
    """Returns what inputs and outputs are seen through, by their places."""
    found: dict[str, list[str]] = {}
    for place, each in layer.transformations():
        if place not in layer.weight_chains:
            found.setdefault(place, []).append(each.description)
    return {place: " > ".join(descriptions) for place, descriptions in found.items()}


def _row(layer: Compressed, path: str, variable: keras.Variable, chain: Sequence[Transformation]) -> Row:
    weight = np.asarray(ops.convert_to_numpy(layer.weight(path)), np.float64)
    seen = np.asarray(ops.convert_to_numpy(layer.seen_weight(path)))
    kept = int(np.count_nonzero(seen))
    stored = _stored_bytes(chain, seen)
    noise = float(np.square(weight - seen).sum())
    return Row(
        layer=layer.name,
        weight=path,
        shape=tuple(weight.shape),
        kept=kept,
        bits=8.0 * stored / max(1, weight.size),
        bytes=stored,
        sqnr_db=10.0 * math.log10(float(np.square(weight).sum()) / noise) if noise and weight.any() else math.inf,
        how=" > ".join(each.description for each in chain),
        compressed=True,
    )


def _plain(layer: keras.layers.Layer, path: str, variable: keras.Variable, reason: Reason) -> Row:
    numbers = math.prod(variable.shape)
    kept = int(np.count_nonzero(ops.convert_to_numpy(variable)))
    width = np.dtype(keras.backend.standardize_dtype(variable.dtype).replace("bfloat16", "float16")).itemsize
    why = reason(layer, path, variable)
    return Row(layer.name, path, tuple(variable.shape), kept, 8.0 * width, width * numbers, math.inf, why, False)


def stored_bytes(layer: Compressed, path: str) -> int:
    """Returns the bytes of a wrapped weight, as reports count them.

    Args:
        layer: a wrapper.
        path: of a weight that has a chain.
    """
    return _stored_bytes(layer.weight_chains[path], np.asarray(ops.convert_to_numpy(layer.seen_weight(path))))


def _stored_bytes(chain: Sequence[Transformation], seen: np.ndarray) -> int:
    """Returns the bytes of a weight: of all its codes, of the kept ones and an index, or of its factors: the least."""
    coded = [each for each in chain if each.code_bits is not None]
    bits = coded[-1].code_bits if coded else _FLOAT_BITS
    scales = coded[-1].scale_bytes(seen.shape) if coded else 0
    dense = math.ceil(_left(chain, seen.size) * (bits or 0) / 8)
    index = min((each.pattern.index_bytes(seen.shape) for each in chain if isinstance(each, Mask)), default=None)
    ways = [dense]
    if index is not None:
        ways.append(math.ceil(np.count_nonzero(seen) * (bits or 0) / 8) + index)
    factors = [each.factor_bytes(seen.shape) for each in chain]
    ways += [size + (index or 0) for size in factors if size is not None]
    return min(ways) + scales


def _left(chain: Sequence[Transformation], size: int) -> int:
    """Returns how many numbers are left of a weight when its masked channels are cut out."""
    for each in chain:
        for line in each.kept.values() if isinstance(each, ChannelMask) else ():
            size = size // line.shape[0] * int(np.count_nonzero(ops.convert_to_numpy(line)))
    return size


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
