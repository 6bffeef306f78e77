"""Predicts pictures with the newest checkpoint; another name for `infer`, whose help says more."""

from source.command.action import infer
from source.command.session import Session

SUMMARY = "predict pictures; another name for infer"


def run(session: Session) -> None:
    """Predicts.

    Args:
        session: of the command line.
    """
    infer.run(session)
