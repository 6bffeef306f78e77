"""Prints how many channels each layer of the model makes, as JSON: the path of a layer to its width.

The model is that of the newest checkpoint of the run, as its compressor finishes it; without a checkpoint, the network.
No data is read. If the folder of the run is there, the JSON is written to `structure.json` in it, too.
"""

import json

from source.command.action._model import looked_at
from source.command.session import Session

SUMMARY = "print the width of each layer as JSON"
_FILE = "structure.json"


def run(session: Session) -> None:
    """Prints the widths.

    Args:
        session: of the command line.
    """
    with looked_at(session) as seen:
        from source.surgery.widths import structure

        text = json.dumps(structure(seen.model), indent=2) + "\n"
    print(text, end="")
    if session.folder.is_dir():
        path = session.folder / _FILE
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
