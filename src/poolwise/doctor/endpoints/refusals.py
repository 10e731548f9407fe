"""Answers that are no success, as errors: what was found, what was expected, what to do."""

from __future__ import annotations

from poolwise.doctor.endpoints.address import parse_address
from poolwise.doctor.endpoints.answer import Answer, wrong_field
from poolwise.errors import EndpointError, OptionError, RefusedTextError

KEY_VARIABLE = "POOLWISE_ENDPOINT_KEY"
"""The command line reads the key from it."""

_TEXT_FIELDS = {"", "input", "inputs", "texts", "prompt"}


_REFUSED = ("refuses the request", "check the protocol and the model")
_NOT_FOUND = (
    "does not have it",
    "correct the path of the URL, the name of the model, or the protocol",
)
_FOUND = {
    404: _NOT_FOUND,
    405: _NOT_FOUND,
    408: ("waited too long for the request", "try again later"),
    429: ("takes no more requests now", "try again later"),
    **dict.fromkeys((400, 413, 415, 422, 424), _REFUSED),
}
"""What it means, and what to do."""


def check_status(answer: Answer, *, has_key: bool, of_texts: bool = False) -> None:
    """Raise EndpointError unless the answer is a success.

    ``of_texts``: the request held texts, so that 400, 413 and 422 are a RefusedTextError, unless
    the server says that another field is wrong.
    """
    if not 200 <= answer.status < 300:
        raise _refusal(answer, has_key=has_key, of_texts=of_texts)


def _refusal(answer: Answer, *, has_key: bool, of_texts: bool) -> EndpointError:
    status, words = answer.status, answer.words
    said = f"{status}, {words}" if words else str(status)
    if of_texts and status in {400, 413, 422} and not answer.is_html:
        name = wrong_field(answer.value).partition("[")[0].partition(".")[0]
        if name in _TEXT_FIELDS:
            error = answer.error(f"the server refuses the texts ({said})")
            return RefusedTextError(str(error))
    if 300 <= status < 400:
        target = _location(answer)
        return answer.error(
            f"the server redirects{target} ({status}), which is not followed, since a key and texts"
            " would go elsewhere; give that URL if you trust it"
        )
    return answer.error(_sentence(status, said, has_key=has_key))


def _sentence(status: int, said: str, *, has_key: bool) -> str:
    if status in {401, 403}:
        found = "refuses the key" if has_key else "wants a key"
        return f"the server {found} ({said}); set {KEY_VARIABLE} to one that it knows"
    found, advice = _FOUND.get(status, ("answers with another status than 200", "check the URL"))
    if status >= 500:
        found, advice = "fails", "see its log, or try again later"
    return f"the server {found} ({said}); {advice}"


def _location(answer: Answer) -> str:
    """Where to: `` to http://host/path``, "" where that is unknown or may hold a secret only."""
    location = answer.headers.get("location", "")
    if location.startswith("/") and not location.startswith("//"):
        return f" to {location.partition('?')[0]}"
    try:
        return f" to {parse_address(location)}"
    except OptionError:
        return ""
