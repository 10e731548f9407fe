"""A file and those beside it that describe it, published together."""

from __future__ import annotations

from collections.abc import Sequence

from poolwise.files.atomic import AtomicFile


def publish_pair(content: AtomicFile, *about: AtomicFile) -> None:
    """Make all durable, then visible: ``about`` goes first, from its last, and comes last.

    So ``about`` always describes the content beside it. A process killed in between leaves the
    content whole, the old or the new one, and not the last of ``about``. Any other end leaves all
    or, where nothing is replaced, none. Raises OSError, and StoreError where a name has been taken
    meanwhile.
    """
    for file in (*about, content):
        file.sync()
    try:
        _place(content, about)
    except BaseException:
        if content.overwrite:  # what stood there is gone: all is on the disk, and gets its name
            _place(content, about)
        else:
            for file in (*reversed(about), content):
                file.withdraw()
        raise
    for file in (*about, content):
        file.finish()


def _place(content: AtomicFile, about: Sequence[AtomicFile]) -> None:
    """May be called again where it was interrupted, if it overwrites."""
    if content.waits:
        for file in reversed(about):
            file.make_room()
        content.place()
    for file in about:
        if file.waits:
            file.place()
