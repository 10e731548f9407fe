"""What a server says of itself before it is asked for vectors."""

from __future__ import annotations

from typing import Any

from poolwise.doctor.endpoints.connection import Connection
from poolwise.doctor.endpoints.refusals import check_status
from poolwise.errors import EndpointError


class Inquiry:
    """Questions to one server: ``paths`` are those asked, ``refusals`` the answers that were
    neither JSON nor that there is no such path."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.paths: list[str] = []
        self.refusals: list[EndpointError] = []

    def value(self, path: str) -> Any:
        """The answer as JSON; None where it is none, or no success. Raises EndpointError where
        nothing answers."""
        self.paths.append(path)
        answer = self.connection.get(path)
        if answer.status in {404, 405}:
            return None
        try:
            check_status(answer, has_key=self.connection.has_key)
            answer.check_is_no_page()
        except EndpointError as error:
            self.refusals.append(error)
            return None
        return answer.value

    def names(self, path: str, key: str, name: str) -> list[str] | None:
        """The texts ``name`` of the objects in the list ``key`` of that answer; None where it is no
        such list."""
        return names_in(self.value(path), key, name)

    def check(self) -> None:
        """Raise the first refusal, if there was one."""
        if self.refusals:
            raise self.refusals[0]


def names_in(value: object, key: str, name: str) -> list[str] | None:
    """The same of an answer that is there already."""
    if not isinstance(value, dict) or not isinstance(items := value.get(key), list):
        return None
    objects = [item for item in items if isinstance(item, dict)]
    return [item[name] for item in objects if isinstance(item.get(name), str)]
