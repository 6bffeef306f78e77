"""Turns a user's mistakes into one line on standard error and an exit code."""

import os
import sys
from collections.abc import Callable

from source.config.errors import EspalierError

MISTAKE = 2  # what argparse and most tools return for a command line that cannot be carried out
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
READER_GONE = 141  # 128 + SIGPIPE


def report_mistakes(program: str, action: Callable[[], int]) -> int:
    """Runs an action and returns its exit code; a defect of the program keeps its traceback.

    Args:
        program: name to begin the line with.
        action: what to run.

    Returns:
        What the action returned; 2 for a mistake of the user, told in one line on stderr; 130 after Ctrl-C.
    """
    try:
        code = action()
        sys.stdout.flush()
    except EspalierError as error:
        print(f"{program}: {' '.join(str(error).split())}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `espalier list | head -1`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return code
