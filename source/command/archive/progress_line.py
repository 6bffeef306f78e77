"""One line on how far a download is: written anew on a terminal, left out elsewhere."""

import sys
import time
from types import TracebackType

from source.exporter.page.sizes import size_text

_EVERY = 0.5  # seconds


class Line:
    """A line that ends when something else is said."""

    def __init__(self) -> None:
        self._shown = False
        self._began = self._told = 0.0
        self._first = 0

    def __enter__(self) -> "Line":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def say(self, text: str) -> None:
        """Prints a line on standard output."""
        self._end()
        print(text, flush=True)

    def progress(self, done: int, total: int | None) -> None:
        """Tells how far a download is, with the time that is left."""
        now = time.monotonic()
        if not self._began:
            self._began, self._first = now, done
        if not sys.stderr.isatty() or (now - self._told < _EVERY and done != total):
            return
        self._told = now
        speed = (done - self._first) / max(now - self._began, 1e-3)
        text = f"{size_text(done)}"
        if total:
            left = (total - done) / speed if speed else float("inf")
            text += f" of {size_text(total)}, {done / total:.0%}"
            text += f", {left:,.0f} s left" if left < 1e6 else ""
        print(f"\r{text}, {size_text(speed)}/s\x1b[K", end="", file=sys.stderr, flush=True)
        self._shown = True

    def _end(self) -> None:
        if self._shown:
            print(file=sys.stderr, flush=True)
        self._shown, self._began = False, 0.0
