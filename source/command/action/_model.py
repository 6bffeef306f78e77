"""The model of a recipe, to look at: of the newest checkpoint, of pretrained weights, or as the network begins."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from source.command.session import Session
from source.config.errors import ConfigError
from source.config.recipe.tree import at

if TYPE_CHECKING:
    import keras

    from source.compressor.report import Report

_COMPRESSION = "compression"


@dataclasses.dataclass(frozen=True)
class LookedAt:
    """A model and what it is.

    Attributes:
        model: plain: what the compressor finishes it to, if there is one.
        what: a few words, such as "of step 400".
        report: of the compressor; None without one, or without a checkpoint.
    """

    model: "keras.Model"
    what: str
    report: "Report | None"


def newest_checkpoint(folder: Path) -> Path | None:
    """Returns the file of the newest checkpoint of a run; None without any.

    Args:
        folder: of the run.
    """
    found = sorted((folder / "checkpoints").glob("checkpoint-*.npz"), key=lambda path: (len(path.name), path.name))
    return found[-1] if found else None


@contextlib.contextmanager
def looked_at(session: Session) -> Iterator[LookedAt]:
    """Gives the model of a recipe; without a checkpoint, that of the network, not compressed.

    No data is read, unless the compressor has to calibrate on some before its checkpoint is restored.

    Args:
        session: of the command line.
    """
    chosen = session
    if newest_checkpoint(session.folder) is None:
        chosen = without_compressor(session, "allow_untrained=true")
    elif not session.is_built:
        chosen = session.copied()
    with chosen.located_errors():
        runner = chosen.runner
        calibrates = runner.modeler.compressor is not None and chosen.setting("pretrained_model") is not None
        if chosen is not session and not calibrates:
            runner.inputter = _stand_in(runner.inputter)
        if newest_checkpoint(session.folder) is None and chosen.setting("pretrained_model") is None:
            runner.callbacks = [each for each in runner.callbacks if not each.restores]  # they would insist
        with runner.restored() as run:
            what = f"of step {run.step:,}" if run.step else "of the pretrained weights"
            if not (run.step or run.has_pretrained_weights):
                what = "of the network as it begins"
            with _plain(runner.modeler) as (model, report):
                yield LookedAt(model, what, report)


def without_compressor(session: Session, *settings: str) -> Session:
    """Returns a session of the same recipe without its compressor.

    Args:
        session: of the command line.
        *settings: `key=value` that it has beyond the recipe.
    """
    names = session.parts.names["callbacks"]
    given = at(session.resolved, ("callbacks",))
    if _COMPRESSION not in names or given is None:
        return session.copied("compressor=null", *settings)
    kept = [name for name in names if name != _COMPRESSION]
    callbacks = f"callbacks=[{', '.join(kept)}]" if isinstance(given.value, list) else f"callbacks.{_COMPRESSION}=null"
    return session.copied("compressor=null", callbacks, *settings)


def _stand_in(inputter: Any) -> Any:
    from source.command.action._without_data import without_data

    return without_data(inputter)


@contextlib.contextmanager
def _plain(modeler: Any) -> "Iterator[tuple[keras.Model, Report | None]]":
    """Gives the finished model and the report of its compressor; the model as it is where it cannot be finished yet."""
    compressor = modeler.compressor
    if compressor is None:
        yield modeler.model, None
        return
    compressor.attach(modeler.model)
    report = compressor.report(modeler.model)
    try:
        finished = compressor.finish(modeler.model)
    except ConfigError:  # its schedule has not begun at this step
        finished = modeler.model
    yield finished, report
