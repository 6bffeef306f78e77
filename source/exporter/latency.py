"""How long an exported file takes: statistics of single runs, alone or against others in one go."""

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from source.config.errors import ConfigError, DataError
from source.exporter._machine import machine
from source.exporter.artefact.artefact import Artefact
from source.exporter.verification import as_examples, made_examples

Clock = Callable[[], float]
# From one thing as it comes (an image, the bytes of a file) to the inputs of the network, (b, ...) each.
Preprocess = Callable[[Any], Sequence[np.ndarray]]
# From the outputs of the network to what is wanted.
Decode = Callable[[list[np.ndarray]], Any]

_MILLISECONDS = 1000.0
_BORDER = "---- measure latency result ----"


@dataclasses.dataclass(frozen=True)
class Times:
    """Single runs, one after the other.

    Attributes:
        seconds: of each run.
        batch: examples in a run.
    """

    seconds: tuple[float, ...]
    batch: int = 1

    @property
    def total_ms(self) -> float:
        """Milliseconds of all runs."""
        return math.fsum(self.seconds) * _MILLISECONDS

    def latency_ms(self) -> dict[str, float]:
        """Returns mean, population standard deviation, min, p50, p90 and max, in milliseconds a run."""
        return _statistics(np.asarray(self.seconds) * _MILLISECONDS)

    def fps(self) -> dict[str, float]:
        """Returns the same of examples a second, of the speeds of single runs."""
        return _statistics(self.batch / np.maximum(np.asarray(self.seconds), 1e-9))

    @property
    def p50_ms(self) -> float:
        """The median, in milliseconds a run."""
        return self.latency_ms()["p50"]


@dataclasses.dataclass(frozen=True)
class Latency:
    """How long a file takes on this machine.

    Attributes:
        name: of the file.
        kind: what it is, such as "LiteRT".
        input_shapes: of a run, the batch first.
        threads: that the runtime was told to use; None left it to the runtime.
        warm_up: runs before those that count.
        overall: preprocessing, network and decoding; None where neither was given.
        network: the network alone.
        machine: processor and cores.
    """

    name: str
    kind: str
    input_shapes: tuple[tuple[int, ...], ...]
    threads: int | None
    warm_up: int
    overall: Times | None
    network: Times
    machine: str

    def to_text(self) -> str:
        """Returns the report as text, times in milliseconds, all numbers with four decimals."""
        runs = len(self.network.seconds)
        shape = self.input_shapes[0]
        size = list(shape[1:3]) if len(shape) == 4 else list(shape[1:])
        lines = [
            _BORDER,
            f"total number of execution (number of samples): {runs}",
            f"network: {self.name} ({self.kind})",
            f"image size: {size}",
            f"batch size: {self.network.batch}",
            f"threads: {self.threads or 'left to the runtime'}",
            f"runs to warm up: {self.warm_up}",
            f"devices: [{self.machine!r}]",
        ]
        if self.overall is not None:
            lines += ["", "* overall (include pre-post-process which execute on cpu)", *_lines(self.overall)]
        lines += ["", "* network only (exclude pre-post-process):", *_lines(self.network), _BORDER]
        return "\n".join(lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain values that JSON can hold, the single runs too."""
        return {
            "name": self.name,
            "kind": self.kind,
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "threads": self.threads,
            "warm_up": self.warm_up,
            "batch": self.network.batch,
            "machine": self.machine,
            "overall": None if self.overall is None else _values(self.overall),
            "network": _values(self.network),
        }

    def to_json(self) -> str:
        """Returns `to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


def measure(
    artefact: Artefact,
    examples: Any = None,
    *,
    runs: int = 100,
    warm_up: int = 10,
    batch: int = 1,
    threads: int | None = None,
    preprocess: Preprocess | None = None,
    decode: Decode | None = None,
    clock: Clock = time.perf_counter,
) -> Latency:
    """Returns how long single runs of a file take.

    Args:
        artefact: opened, with as many threads as it is to use.
        examples: inputs to take in turns: an array (b, ...), or a list of one an input; with `preprocess`, a sequence
            of what that takes. None takes random numbers.
        runs: that count.
        warm_up: runs before these.
        batch: examples in a run; with `preprocess`, that says it.
        threads: that the artefact was opened with, for the report.
        preprocess: from one of the examples to the inputs of the network.
        decode: from the outputs of the network to what is wanted.
        clock: returns seconds.

    Raises:
        ConfigError: for counts that cannot be.
        DataError: for examples that the file does not take.
    """
    _check_counts(runs, warm_up, batch)
    given = _examples(artefact, examples, batch, preprocess)
    is_whole = preprocess is not None or decode is not None
    for index in range(warm_up):
        _one(artefact, given[index % len(given)], preprocess, decode, clock)
    taken = [_one(artefact, given[index % len(given)], preprocess, decode, clock) for index in range(runs)]
    shapes = taken[-1][2]
    return Latency(
        name=artefact.path.name or artefact.kind,
        kind=artefact.kind,
        input_shapes=shapes,
        threads=threads,
        warm_up=warm_up,
        overall=Times(tuple(whole for whole, _, _ in taken), shapes[0][0]) if is_whole else None,
        network=Times(tuple(network for _, network, _ in taken), shapes[0][0]),
        machine=machine(),
    )


def alternate(
    artefacts: Sequence[Artefact],
    examples: Any = None,
    *,
    rounds: int = 100,
    warm_up: int = 10,
    batch: int = 1,
    threads: int | None = None,
    clock: Clock = time.perf_counter,
) -> list[Latency]:
    """Returns how long single runs of several files take, run in turns, so that what slows the machine slows all.

    Each round takes the files in another order, drawn with seed 0, and times a run of each after one that does not
    count: threads that slept while another runtime computed cost some milliseconds to wake.

    Args:
        artefacts: opened, that take the same inputs.
        examples: inputs to take in turns: an array (b, ...), or a list of one an input; None takes random numbers.
        rounds: that count.
        warm_up: rounds before these.
        batch: examples in a run.
        threads: that the artefacts were opened with, for the report.
        clock: returns seconds.

    Raises:
        ConfigError: for counts that cannot be.
        DataError: for examples that a file does not take.
    """
    _check_counts(rounds, warm_up, batch)
    given = [_examples(artefact, examples, batch, None) for artefact in artefacts]
    seconds: list[list[float]] = [[] for _ in artefacts]
    order = np.random.default_rng(0)
    for step in range(warm_up + rounds):
        for place in order.permutation(len(artefacts)):
            inputs = given[place][step % len(given[place])]
            artefacts[place].run(inputs)
            _, network, _ = _one(artefacts[place], inputs, None, None, clock)
            if step >= warm_up:
                seconds[place].append(network)
    return [
        Latency(
            name=artefact.path.name or artefact.kind,
            kind=artefact.kind,
            input_shapes=tuple(tuple(each.shape) for each in given[place][0]),
            threads=threads,
            warm_up=warm_up,
            overall=None,
            network=Times(tuple(seconds[place]), batch),
            machine=machine(),
        )
        for place, artefact in enumerate(artefacts)
    ]


def _one(
    artefact: Artefact, example: Any, preprocess: Preprocess | None, decode: Decode | None, clock: Clock
) -> tuple[float, float, tuple[tuple[int, ...], ...]]:
    """Returns seconds of the whole and of the network, and the shapes that went in."""
    begin = clock()
    inputs = preprocess(example) if preprocess is not None else example
    network_begin = clock()
    outputs = artefact.run(inputs)
    network_end = clock()
    if decode is not None:
        decode(outputs)
    end = clock()
    return end - begin, network_end - network_begin, tuple(tuple(each.shape) for each in inputs)


def _check_counts(runs: int, warm_up: int, batch: int) -> None:
    for name, value, least in (("runs", runs, 1), ("warm_up", warm_up, 0), ("batch", batch, 1)):
        if value < least:
            raise ConfigError(f"`{name}` must be at least {least}. Received: {name}={value}.")


def _examples(artefact: Artefact, examples: Any, batch: int, preprocess: Preprocess | None) -> Sequence[Any]:
    """Returns what single runs take, cut into batches."""
    if preprocess is not None:
        if examples is None or len(examples) == 0:
            raise DataError(f"{artefact.path}: `preprocess` needs examples to work on. Received: none.")
        return list(examples)
    arrays = made_examples(artefact.input_specs, batch) if examples is None else as_examples(examples)
    artefact.check_inputs(arrays)
    batches = list(_batches(arrays, batch))
    if not batches:
        raise DataError(f"{artefact.path}: expected at least {batch} examples. Received: {len(arrays[0])}.")
    return batches


def _batches(arrays: Sequence[np.ndarray], batch: int) -> Iterator[list[np.ndarray]]:
    for start in range(0, len(arrays[0]) - batch + 1, batch):
        yield [np.ascontiguousarray(each[start : start + batch]) for each in arrays]


def _statistics(numbers: np.ndarray) -> dict[str, float]:
    return {
        "mean": float(numbers.mean()),
        "sd": float(numbers.std()),
        "min": float(numbers.min()),
        "p50": float(np.percentile(numbers, 50)),
        "p90": float(np.percentile(numbers, 90)),
        "max": float(numbers.max()),
    }


def _values(times: Times) -> dict[str, Any]:
    return {
        "total_ms": times.total_ms,
        "latency_ms": times.latency_ms(),
        "fps": times.fps(),
        "seconds": list(times.seconds),
    }


def _lines(times: Times) -> list[str]:
    """Returns the four lines of a report and those of the quantiles."""
    latency, fps = times.latency_ms(), times.fps()
    return [
        f"total time: {times.total_ms:.4f} msec",
        "latency",
        f"   mean (SD=standard deviation): {latency['mean']:.4f} (SD={latency['sd']:.4f}) msec, "
        f"min: {latency['min']:.4f} msec, max: {latency['max']:.4f} msec",
        f"   p50: {latency['p50']:.4f} msec, p90: {latency['p90']:.4f} msec",
        "FPS",
        f"   mean (SD=standard deviation): {fps['mean']:.4f} (SD={fps['sd']:.4f}), "
        f"min: {fps['min']:.4f}, max: {fps['max']:.4f}",
    ]
