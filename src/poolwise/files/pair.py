"""A file and the one beside it that describes it, published together."""

from __future__ import annotations

from poolwise.files.atomic import AtomicFile


def publish_pair(content: AtomicFile, about: AtomicFile) -> None:
    """Make both durable, then visible: ``about`` goes first and comes last.

    So ``about`` always describes the content beside it. A process killed in between leaves the
    content whole, the old or the new one, and no ``about``. Any other end leaves both or, where
    nothing is replaced, none. Raises OSError, and StoreError where a name has been taken meanwhile.
    """
    about.sync()
    content.sync()
    try:
        _place(content, about)
    except BaseException:
        if content.overwrite:  # what stood there is gone: all is on the disk, and gets its name
            _place(content, about)
        else:
            about.withdraw()
            content.withdraw()
        raise
    about.finish()
    content.finish()


def _place(content: AtomicFile, about: AtomicFile) -> None:
    """May be called again where it was interrupted, if it overwrites."""
    if content.waits:
        about.make_room()
        content.place()
    if about.waits:
        about.place()
