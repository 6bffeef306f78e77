"""Where callbacks write, and how a file is replaced so that a kill leaves the old one or the new one."""

import os
import pathlib

from source.callback import callback
from source.config.errors import ConfigError


def folder_of(run: callback.Run, asker: str, below: str = "") -> pathlib.Path:
    """Returns the folder `<model_dir>/<below>` of the run, made if need be.

    Args:
        run: the run.
        asker: what wants to write, such as "metrics_log", to begin the message with.
        below: a folder below the run's.

    Raises:
        ConfigError: if the run has no folder.
    """
    if run.model_dir is None:
        raise ConfigError(f"{asker}: writes below the folder of the run, and there is none. Set `model_dir`.")
    folder = run.model_dir / below
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def replace_text(path: pathlib.Path, text: str) -> None:
    """Writes `text` to `path` at once: whoever reads finds all of the old text or all of the new one.

    Args:
        path: the file; it need not exist.
        text: what it will hold, with newlines as they are.
    """
    written = path.with_name(path.name + ".tmp")
    with open(written, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
