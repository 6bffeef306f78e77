"""A run in one line: what it was made of, how far it came, its best and last result."""

import dataclasses
import math
import os
import socket
import time
from typing import Any

from source.command.record._made_of import compressor, data, network, text
from source.command.record.run_folder import RunFolder, mapping

# Not results: where a record stands, and how fast it went.
_PLACES = frozenset({"kind", "step", "epoch", "first_step", "seconds", "examples", "examples_per_second"})
_SMALLER_IS_BETTER = ("loss", "error", "perplexity")
_RECENT = 600  # seconds in which a run on another machine is taken to go on


@dataclasses.dataclass(frozen=True)
class RunSummary:
    """One run.

    Attributes:
        id: of the run.
        name: that its recipe gives it; empty without one.
        network: name of the network.
        data: where its examples come from.
        compressor: name of the compressor, a chain with its members; empty without one.
        state: "finished", "running", "stopped", "failed", or "begun", of which nothing more is known.
        step: training steps that are known to be done.
        max_step: those of the whole run; None if not known.
        reason: why it stopped or failed; empty if not known.
        metric: what `best` and `last` are of; empty if nothing was measured.
        kind: "evaluate", or "train" for a metric of training examples.
        best: the best value; None if nothing was measured.
        last: the last value.
        bytes: of all files.
        changed: when something was last written, in seconds since 1970.
        path: of the folder.
        faults: what could not be read.
    """

    id: str
    name: str
    network: str
    data: str
    compressor: str
    state: str
    step: int
    max_step: int | None
    reason: str
    metric: str
    kind: str
    best: float | None
    last: float | None
    bytes: int
    changed: float
    path: str
    faults: tuple[str, ...]

    @property
    def state_text(self) -> str:
        """The state in words, with the step where it is not the last."""
        if self.state in ("finished", "begun"):
            return self.state
        of_all = f" of {self.max_step:,}" if self.max_step else ""
        return f"{self.state} at step {self.step:,}{of_all}"


def summarize(run: RunFolder, metric: str | None = None) -> RunSummary:
    """Returns a run in one line.

    Args:
        run: its folder, read.
        metric: which result; default: accuracy of evaluations, else the first other metric of them, else of training.
    """
    step = max([_whole(run.outcome.get("step")), run.checkpoint_step, *(record["step"] for record in run.records)])
    max_step = _max_step(run, step)
    kind, name, values = results(run.records, metric)
    return RunSummary(
        id=run.id,
        name=text(run.recipe.get("name")),
        network=network(run),
        data=data(run),
        compressor=compressor(run),
        state=_state(run, step, max_step),
        step=step,
        max_step=max_step,
        reason=text(run.outcome.get("reason")),
        metric=name,
        kind=kind,
        best=best_of(name, values),
        last=values[-1] if values else None,
        bytes=run.bytes,
        changed=run.changed,
        path=str(run.path),
        faults=run.faults,
    )


def results(records: list[dict[str, Any]], metric: str | None = None) -> tuple[str, str, list[float]]:
    """Returns "evaluate", or "train" where nothing was evaluated, the name of a metric, and its values in their order.

    Args:
        records: of `metrics.jsonl`.
        metric: its name; default: accuracy, else the first that there is.
    """
    for kind in ("evaluate", "train"):
        measured = [record for record in records if record.get("kind") == kind]
        names = list(dict.fromkeys(name for record in measured for name in record if name not in _PLACES))
        if metric is None:
            wanted = "accuracy" if "accuracy" in names else next(iter(names), "")
        else:
            wanted = metric
        values = [number for record in measured if (number := finite(record.get(wanted))) is not None]
        if values:
            return kind, wanted, values
    return "", "", []


def best_of(metric: str, values: list[float]) -> float | None:
    """Returns the smallest value of a loss or an error, and the largest of everything else; None of none.

    Args:
        metric: its name.
        values: finite.
    """
    if not values:
        return None
    return min(values) if smaller_is_better(metric) else max(values)


def smaller_is_better(metric: str) -> bool:
    """Returns whether a metric is a loss, an error or a perplexity.

    Args:
        metric: its name.
    """
    return any(word in metric for word in _SMALLER_IS_BETTER)


def finite(value: Any) -> float | None:
    """Returns a value as a number if it is a finite one.

    Args:
        value: anything that JSON can hold.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _state(run: RunFolder, step: int, max_step: int | None) -> str:
    state = run.outcome.get("state")
    if state in ("finished", "stopped", "failed"):
        return state
    if state == "running":
        return "running" if _goes_on(run) else "stopped"
    if (run.path / "finished.keras").is_file() or (max_step is not None and step >= max_step):
        return "finished"
    return "stopped" if step else "begun"


def _goes_on(run: RunFolder) -> bool:
    """Whether the process that wrote "running" is there; on another machine, whether something changed lately."""
    process = mapping(run.outcome.get("process"))
    pid = _whole(process.get("pid"))
    if process.get("host") != socket.gethostname() or pid < 1:
        return time.time() - run.changed < _RECENT
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is another user's
        return True
    return True


def _max_step(run: RunFolder, step: int) -> int | None:
    """Returns the steps of the whole run: as written, or as the epochs of the last record let reckon."""
    for given in (run.outcome.get("max_step"), run.part("runner").get("max_steps")):
        if _whole(given):
            return _whole(given)
    epochs = finite(run.part("inputter").get("epochs"))
    last = run.records[-1] if run.records else {}
    epoch = finite(last.get("epoch"))
    if not epochs or not epoch or not last["step"]:
        return None
    # The last step is the last whole one; epochs in records have six decimals.
    return math.floor(epochs * last["step"] / epoch * (1 + 1e-6))


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
