"""Compares the model before and after compression and every exported file of the run: bytes, accuracy, latency.

Each file is opened and run on the evaluation data, and timed in turns with the others. The first is what they are
compared with: `baseline=FILE_OR_RUN`, or else `pretrained_model` without the compressor; with neither the run's own
model, `finished.keras`. `compare_examples=N` takes the first N examples alone; `timed_runs=N` says how often each file
is timed. The table, a page with plots and all numbers are written to `compare/` of the run.
"""

from typing import TYPE_CHECKING, Any

from source.command.action._page import refresh
from source.command.action._rivals import FOLDER, Rivals, rivals
from source.command.session import Session
from source.config.errors import ConfigError

if TYPE_CHECKING:
    from source.exporter.comparison import Comparison

SUMMARY = "compare the model before and after, and every exported file"
TIMED_RUNS = 50


def run(session: Session) -> None:
    """Compares and prints the table.

    Args:
        session: of the command line.

    Raises:
        ConfigError: for counts that cannot be.
    """
    limit, runs = count(session, "compare_examples"), count(session, "timed_runs") or TIMED_RUNS
    found = rivals(session)
    compared = _compared(session, found, limit, runs)
    print(compared.to_text(), end="")
    for name, why in found.left_out.items():
        print(f"Left out: {name}, which {why}.")
    folder = session.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"html": compared.to_html(session.id), "json": compared.to_json(), "md": compared.to_markdown()}
    for suffix, text in texts.items():
        (folder / f"comparison.{suffix}").write_text(text, encoding="utf-8")
    print(f"wrote {folder / 'comparison.html'}, comparison.json, comparison.md")
    refresh(session.folder)


def count(session: Session, name: str) -> int | None:
    """Returns a number of the recipe, or None where it says nothing of it.

    Args:
        session: of the command line.
        name: of the setting.

    Raises:
        ConfigError: unless it is a whole number from 1.
    """
    given = session.setting(name)
    if given is None or (isinstance(given, int) and not isinstance(given, bool) and given >= 1):
        return given
    place = session.resolved.value[name].place
    raise ConfigError(f"{place}: {name}: expected a whole number from 1. Received: {given!r}.")


def _compared(session: Session, found: Rivals, limit: int | None, runs: int) -> "Comparison":
    from source.command.action._examples import evaluation_examples
    from source.exporter.artefact.open_artefact import open_artefact
    from source.exporter.comparison import compare

    with session.located_errors():
        examples = evaluation_examples(session.runner.inputter, limit)
    images, labels = (None, None) if examples is None else examples
    opened = {path: open_artefact(path) for path in found.files}
    own: Any = opened[found.own]
    return compare(
        list(opened.values()),
        images,
        labels,
        models={path.name: own.model for path in found.exported},  # most files do not say what is in them
        rounds=runs,
    )
