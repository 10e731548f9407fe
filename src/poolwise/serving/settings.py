"""What an operator can set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from poolwise.engines.native_engine import TOKEN_BUDGET
from poolwise.engines.workers import cores
from poolwise.errors import OptionError
from poolwise.inputs import check_choices
from poolwise.records import Precision


def default_batch_tokens() -> int:
    """A batch of the native engine's for every core, and no more: a request waits for the pass
    before it."""
    return TOKEN_BUDGET * max(cores(), 2)


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and habits of a server; the defaults suit one machine.

    ``api_keys``: any of them opens the server; none leaves it open. ``queue_tokens`` wait at most;
    a request that finds no room is refused at once. ``batch_tokens`` run in one pass, about; by
    default 512 a core, 1,024 at least. ``max_inputs`` and ``max_request_tokens`` bound a request,
    ``max_body`` its bytes.
    ``header_seconds``, ``body_seconds`` and ``request_seconds`` bound its time, ``drain_seconds``
    the time to finish after SIGTERM. ``auto_truncate``: long texts are cut unless a request says
    otherwise. ``accept_token_ids``: OpenAI's routes take ids of this model's own tokenizer.
    ``shorten``: they take ``dimensions``, which few models were trained for.

    Raises OptionError for a value that cannot be.
    """

    precision: Precision = "exact"
    api_keys: tuple[str, ...] = ()
    queue_tokens: int = 16_384
    batch_tokens: int = field(default_factory=default_batch_tokens)
    max_inputs: int = 2_048
    max_request_tokens: int = 300_000
    max_body: int = 8_000_000
    header_seconds: float = 5.0
    body_seconds: float = 30.0
    request_seconds: float = 60.0
    drain_seconds: float = 30.0
    auto_truncate: bool = True
    accept_token_ids: bool = False
    shorten: bool = False
    page: bool = True

    def __post_init__(self) -> None:
        check_choices(precision=self.precision)
        for name in self.__slots__:
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and not 0 < value < 1e12:
                raise OptionError(f"{name} is {value}, expected a number above 0")
        if any(not key.isprintable() or not key.isascii() or " " in key for key in self.api_keys):
            raise OptionError("an API key holds a blank or a character beyond ASCII")


def read_keys(path: Path) -> tuple[str, ...]:
    """The keys of a file, one a line; blank lines and lines with # in front are left out.

    Raises OptionError for a file that cannot be read or holds none.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"the file of API keys {path} cannot be read: {error}") from error
    stripped = (line.strip() for line in lines)
    keys = tuple(line for line in stripped if line and not line.startswith("#"))
    if not keys:
        raise OptionError(f"{path} holds no API key; expected one a line")
    return keys
