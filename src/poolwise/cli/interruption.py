"""Ctrl-C, SIGTERM and SIGHUP end a command within seconds, whatever it is doing.

A signal interrupts Python alone, and only between two steps of it: one that comes just before a
blocking read is not seen until that read ends, and code in C or Rust may run for a minute. So a
thread watches: it sends the signal again until Python has seen it, and at last ends the process.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType

from poolwise.files import remove_unfinished

AGAIN_S = 0.05
"""So long Python may take to see a signal before it is sent again."""

PATIENCE_S = 2.0
"""So long a command may take to leave, from the signal on."""

_WORDS = {"SIGINT": "interrupted", "SIGTERM": "ended by SIGTERM", "SIGHUP": "ended by SIGHUP"}


class Interrupted(KeyboardInterrupt):
    """One of these signals, where it reached Python."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


def exit_code(stopped: BaseException) -> int:
    """128 and the signal's number, as shells count; 130 of an interruption of another kind."""
    return 128 + _number(stopped)


def sentence(stopped: BaseException) -> str:
    """What the user is told, once it is true."""
    return _ended(_number(stopped))


def _number(stopped: BaseException) -> int:
    """click makes an Abort of what stopped it."""
    number: int = getattr(stopped.__cause__ or stopped, "number", signal.SIGINT)
    return number


def answer_signals() -> None:
    """From now on each of the signals raises ``Interrupted`` once, and ends the process in time.

    One that is ignored stays so, as under nohup. To be called by the main thread, once.
    """
    _Watch().begin()


class _Watch:
    def __init__(self) -> None:
        self._seen = False
        self._main = threading.get_ident()

    def begin(self) -> None:
        for name in _WORDS:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)
        if os.name != "posix":
            return
        watched, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(watched,), daemon=True).start()

    def _interrupt(self, number: int, _: FrameType | None) -> None:
        """Only the first one: a second must not stop the cleaning up, which the watch bounds."""
        if not self._seen:
            self._seen = True
            raise Interrupted(number)

    def _watch(self, watched: int) -> None:
        number = os.read(watched, 1)[0]
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            time.sleep(AGAIN_S)
            if not self._seen:
                signal.pthread_kill(self._main, number)
        told = _told.is_set()
        sentence = _ended(number)
        if not told:
            with suppress(OSError):  # stderr may be closed
                os.write(2, f"poolwise: {sentence}\n".encode())
        os._exit(128 + number)


_told = threading.Event()


def _ended(number: int) -> str:
    _told.set()
    remove_unfinished()
    return f"{_WORDS[signal.Signals(number).name]}; nothing half-written was left behind"
