"""Follows every link of the built site: `python scripts/docs/links.py out/site`.

Those inside must lead to a page and a place on it that exist; those outside must be well-formed
https addresses (none is fetched). Prints what does not, and exits with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

SITE = "https://poolwise.github.io/poolwise/"


class Page(HTMLParser):
    """The links and the named places of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if place := values.get("id") or (values.get("name") if tag == "a" else None):
            self.places.add(place)
        for name in ("href", "src"):
            if (link := values.get(name)) is not None:
                self.links.append(link)


def broken(site: Path) -> Iterator[str]:
    """What is wrong, a line a link."""
    pages = {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
    }
    for name, page in pages.items():
        address = urljoin(SITE, name.removesuffix("index.html"))
        for link in dict.fromkeys(page.links):
            parts = urlsplit(urljoin(address, link))
            if parts.scheme in {"mailto", "data", "javascript"}:
                continue
            whole = parts.geturl()
            if not whole.startswith(SITE):
                if parts.scheme not in {"https", "http"} or "." not in parts.netloc:
                    yield f"{name}: {link}: not an address"
                elif parts.scheme == "http" and not parts.netloc.startswith(("127.", "localhost")):
                    yield f"{name}: {link}: expected https"
                continue
            path = unquote(whole.removeprefix(SITE).partition("#")[0].partition("?")[0])
            target = f"{path}index.html" if path.endswith("/") or not path else path
            if not (site / target).is_file():
                yield f"{name}: {link}: no such page"
            elif parts.fragment and target in pages:
                place = unquote(parts.fragment)
                if place not in pages[target].places and place not in {"only-light", "only-dark"}:
                    yield f"{name}: {link}: no such place"


if __name__ == "__main__":
    faults = [*broken(Path(sys.argv[1]))]
    print(*faults, sep="\n", end="\n" if faults else "")
    sys.exit(bool(faults))
