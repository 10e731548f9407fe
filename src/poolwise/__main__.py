"""python -m poolwise, and the command ``poolwise``."""

from poolwise.cli import main
from poolwise.cli.interruption import answer_signals


def run() -> None:
    """The command line as a process of its own, which signals end."""
    answer_signals()
    main()


if __name__ == "__main__":
    run()
