"""Ctrl-C, SIGTERM and SIGHUP end a command within seconds, whatever it is doing.

A signal interrupts Python alone, and only between two steps of it: one that comes just before a
blocking read is not handled until that read ends, and code in C or Rust may run for a minute. So a
thread watches: it sends the signal again until Python has handled it, and at last ends the process.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType

from poolwise.files import remove_unfinished

RESEND_S = 0.05
"""Seconds after which a signal that Python has not handled is sent again."""

PATIENCE_S = 2.0
"""Seconds from the signal after which the process is ended."""

_MESSAGES = {"SIGINT": "interrupted", "SIGTERM": "ended by SIGTERM", "SIGHUP": "ended by SIGHUP"}


class Interrupted(KeyboardInterrupt):
    """One of these signals, where it reached Python."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


def exit_code(interruption: BaseException) -> int:
    """128 and the signal's number, as shells count; 130 of an interruption of another kind."""
    return 128 + _number(interruption)


def message(interruption: BaseException) -> str:
    """The sentence for the user, after unfinished files have been removed."""
    return _end_message(_number(interruption))


def _number(interruption: BaseException) -> int:
    """The signal's number, also from click's Abort: its cause, or in click 8.1 its context."""
    chain = (interruption, interruption.__cause__, interruption.__context__)
    return next((e.number for e in chain if isinstance(e, Interrupted)), signal.SIGINT)


def handle_signals() -> None:
    """From now on each of the signals raises ``Interrupted`` once, and ends the process in time.

    One that is ignored stays so, as under nohup. To be called by the main thread, once.
    """
    _SignalWatch().begin()


class _SignalWatch:
    def __init__(self) -> None:
        self._received = False
        self._main = threading.get_ident()

    def begin(self) -> None:
        for name in _MESSAGES:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)
        if os.name != "posix":
            return
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(read_end,), daemon=True).start()

    def _interrupt(self, number: int, _: FrameType | None) -> None:
        """Only the first one: a second must not stop the cleaning up, which the watch bounds."""
        if not self._received:
            self._received = True
            raise Interrupted(number)

    def _watch(self, read_end: int) -> None:
        number = os.read(read_end, 1)[0]
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            time.sleep(RESEND_S)
            if not self._received:
                signal.pthread_kill(self._main, number)
        shown = _message_shown.is_set()
        text = _end_message(number)
        if not shown:
            with suppress(OSError):  # stderr may be closed
                os.write(2, f"poolwise: {text}\n".encode())
        os._exit(128 + number)


_message_shown = threading.Event()


def _end_message(number: int) -> str:
    _message_shown.set()
    remove_unfinished()
    return f"{_MESSAGES[signal.Signals(number).name]}; nothing half-written was left behind"
