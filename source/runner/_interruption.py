"""Turns SIGTERM and Ctrl-C into a flag that a loop inside the graph reads at every step."""

import signal
import socket
import threading
from types import FrameType, TracebackType
from typing import Any

import tensorflow as tf

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interruption:
    """A context in which SIGTERM and Ctrl-C ask for a stop instead of ending the process.

    While Python waits for the graph its own signal handlers do not run, so a thread of ours waits for the
    signal
    number that the interpreter writes to a socket, and sets the variable that the graph's loop looks at: the
    step
    under way is the last one. A second Ctrl-C raises KeyboardInterrupt as usual. Outside the main thread,
    where
    signals cannot be handled, the flag only answers to `ask`.

    Attributes:
        flag: boolean variable, true once a stop was asked for.
        reason: name of the signal, such as "SIGTERM"; None if there was none.
    """

    def __init__(self) -> None:
        with tf.device("CPU:0"):
            self.flag = tf.Variable(False, trainable=False, name="stop")
        self.reason: str | None = None
        self._previous: dict[int, Any] = {}
        self._previous_wakeup = -1
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self._watcher: threading.Thread | None = None

    def ask(self, reason: str) -> None:
        """Asks for a stop after the step under way.

        Args:
            reason: why, such as the name of a signal.
        """
        if self.reason is None:
            self.reason = reason
            self.flag.assign(True)

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sockets is None:
            return
        signal.set_wakeup_fd(self._previous_wakeup)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        reader, writer = self._sockets
        writer.close()
        if self._watcher is not None:
            self._watcher.join()
        reader.close()
        self._sockets = None

    def _listen(self) -> None:
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        self._sockets = (reader, writer)
        self._watcher = threading.Thread(target=self._watch, args=(reader,), name="interruption", daemon=True)
        self._watcher.start()
        self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        self._previous_wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def _watch(self, reader: socket.socket) -> None:
        while received := reader.recv(16):
            for number in received:
                if number in _SIGNALS:
                    self.ask(signal.Signals(number).name)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.reason is not None and number == signal.SIGINT and self._seen_interrupt:
            raise KeyboardInterrupt
        self._seen_interrupt = number == signal.SIGINT
        self.ask(signal.Signals(number).name)

    _seen_interrupt = False
