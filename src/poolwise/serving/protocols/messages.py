"""vLLM's ``messages`` in place of ``input``, as MTEB's wrapper sends texts unless told not to."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from poolwise.serving.errors import InvalidRequestError


class MessagePart(msgspec.Struct):
    type: str
    text: str | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[MessagePart]


def texts_of(messages: Sequence[Message | list[Message]]) -> list[str]:
    """The text of one conversation, or of each of several: one message of the user, and no more.

    An encoder has no template that would make one text of several messages or parts. Raises
    InvalidRequestError.
    """
    single = all(isinstance(message, Message) for message in messages)
    conversations: Sequence[object] = [messages] if single else messages
    return [_text(index, conversation) for index, conversation in enumerate(conversations)]


def _text(index: int, conversation: object) -> str:
    match conversation:
        case [Message("user", str(text))]:
            return text
        case [Message("user", [MessagePart("text", str(text))])]:
            return text
    raise InvalidRequestError(
        f"messages[{index}]: expected one message of the user with one text; an encoder has no "
        "template for more",
        param="messages",
    )
