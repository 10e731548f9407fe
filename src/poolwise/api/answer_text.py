"""An answer as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.records import Answer


def answer_lines(answer: Answer) -> Iterator[str]:
    """The recommendation, then what it rests on, a line each, labelled."""
    yield answer.recommendation
    for label, text in labelled_fields(answer):
        yield f"{label}: {text}"


def labelled_fields(answer: Answer) -> Iterator[tuple[str, str]]:
    """What an answer says beside its recommendation, under the words that users see."""
    yield from (
        (label, text)
        for label, text in (
            ("Why", answer.reason),
            ("Cost", answer.cost),
            ("How sure", answer.certainty),
            ("Next", answer.command),
        )
        if text
    )
    yield from (("Note", note) for note in answer.notes)
