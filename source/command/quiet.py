"""Imports a package whose native code writes to standard error, and leaves out the notes that say nothing."""

import importlib
import os
import sys
import tempfile
from types import ModuleType

# TensorFlow prints them at each start, before it could be asked not to.
_NOTES = ("oneDNN custom operations are on.", "All log messages before absl::InitializeLog() is called")


def import_quietly(name: str) -> ModuleType:
    """Returns the module `name`, imported; whatever else it writes to standard error is passed on after it.

    Args:
        name: the dotted name of a module.
    """
    if name in sys.modules or sys.stderr is None:  # None in a process whose standard error is closed
        return importlib.import_module(name)
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            return importlib.import_module(name)
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            written.seek(0)
            os.write(2, _without_notes(written.read()))


def _without_notes(text: bytes) -> bytes:
    notes = [note.encode() for note in _NOTES]
    return b"".join(line for line in text.splitlines(True) if not any(note in line for note in notes))
