"""python -m poolwise, and the command ``poolwise``."""

from poolwise.cli import main, streams
from poolwise.cli.interruption import handle_signals


def run() -> None:
    """The command line as a process of its own, which signals end."""
    streams.open_closed()  # before anything else is opened
    handle_signals()
    main()


if __name__ == "__main__":
    run()
