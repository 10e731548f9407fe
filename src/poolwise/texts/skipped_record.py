"""The rest of a delimited record that is too long to be held: where it ends, and its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from poolwise.texts.decoding import LinePiece
from poolwise.texts.limits import utf8_size


class Place(Enum):
    """Where in a record its text has come to; ``QUOTE``: after a quotation mark in a quoted field,
    which ends it or is the first of two; ``INVALID``: after what the csv module refuses."""

    FIELD_START = auto()
    PLAIN = auto()
    QUOTED = auto()
    QUOTE = auto()
    INVALID = auto()


@dataclass(slots=True)
class SkippedRecord:
    """Reads on to the end of a record, as the csv module finds it.

    ``quoted``: quotation marks quote. ``place`` is where the next line begins. ``size`` counts
    bytes (UTF-8) up to the end of the record, that of its last line left out; ``lines`` counts
    lines.
    """

    delimiter: str
    quoted: bool
    place: Place
    size: int = 0
    lines: int = 0

    def read(self, lines: Iterable[str]) -> bool:
        """Read to the end of the record. False where the lines end before, in a quoted field."""
        return any(map(self._ends_with, lines))

    def _ends_with(self, line: str) -> bool:
        """Does the record end with this line, or piece of one?"""
        whole = not isinstance(line, LinePiece) or line.last
        text = line.rstrip("\r\n") if whole else line
        if self.quoted:
            self.place = self._place_after(text)
        ended = whole and self.place is not Place.QUOTED
        self.size += utf8_size(text if ended else line)
        self.lines += whole
        return ended

    def _place_after(self, text: str) -> Place:
        at, place = 0, self.place
        while at < len(text) and place is not Place.INVALID:
            if place is Place.QUOTED:
                at = text.find('"', at) + 1
                if not at:
                    break
                place = Place.QUOTE
            elif place is Place.QUOTE:
                after_quote = {'"': Place.QUOTED, self.delimiter: Place.FIELD_START}
                place = after_quote.get(text[at], Place.INVALID)
                at += 1
            elif place is Place.FIELD_START and text[at] == '"':
                at, place = at + 1, Place.QUOTED
            else:
                at = text.find(f'{self.delimiter}"', at) + 2
                if at < 2:
                    return Place.FIELD_START if text.endswith(self.delimiter) else Place.PLAIN
                place = Place.QUOTED
        return place
