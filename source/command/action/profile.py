"""Prints parameters, sizes, operations and bytes of the model as a Markdown table, layer by layer.

The model is that of the newest checkpoint of the run, as its compressor finishes it; without a checkpoint, the network,
not compressed. No data is read. If the folder of the run is there, `profile.md`, `profile.csv` and `profile.json` are
written to it, too. `espalier profile FILE` does the same for a .keras or .esp file.
"""

from source.command.action._model import looked_at
from source.command.session import Session

SUMMARY = "show what each layer of the model costs"


def run(session: Session) -> None:
    """Prints the profile.

    Args:
        session: of the command line.
    """
    with looked_at(session) as seen:
        from source.exporter.cost_profile import profile

        made = profile(seen.model)
        texts = {"md": made.to_markdown(), "csv": made.to_csv(), "json": made.to_json()}
    print(texts["md"], end="")
    if session.folder.is_dir():
        for suffix, text in texts.items():
            (session.folder / f"profile.{suffix}").write_text(text, encoding="utf-8")
        print(f"wrote {session.folder / 'profile.md'}, profile.csv, profile.json")
