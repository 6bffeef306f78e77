"""Writes the newest checkpoint with every exporter of the recipe into `export/` of the run, and prints bytes.

`exporters` of the recipe says which, with their settings: `exporters.onnx={}` adds one, `exporters.litert=null` takes
one away, `exporters=[packed]` takes these alone. Without a word they are packed and litert. The compressor finishes the
model first; every file is run and compared with the model before it gets its name.

A file that holds these weights with these settings already is left alone. One of older weights or other settings is
replaced. `export/exported.json` tells what was made of what.
"""

from source.command.action._exported import export, outdated, wanted
from source.command.action._page import refresh
from source.command.session import Session

SUMMARY = "write the model with the exporters of the recipe, and verify the files"


def run(session: Session) -> None:
    """Exports.

    Args:
        session: of the command line.
    """
    names = outdated(session)
    kept = [name for name in wanted(session) if name not in names]
    if kept:
        print(f"Up to date: {', '.join(kept)}.")
    if names:
        export(session, names)
        refresh(session.folder)
