"""Pictures of poolwise's own pages: `python scripts/docs/screenshots.py [FOLDER]`.

Runs a sweep, the inspector, a server and the doctor on the demo model, opens their pages in
Chromium, and writes docs/pictures/{serve,report,inspect,doctor}{,-dark}.png. What FOLDER (a new
temporary one by default) holds already is not made again.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "docs/pictures"
MAX_BYTES = 300_000
WIDTH = 1040
SCALE = 2
START_S = 120
SENTENCE = "The bank raised its rates, so she sat on the bank of the river instead."
SWEEP = ["--labels", str(ROOT / "examples/banking77.csv"), "--limit", "1000"]
READOUTS = ["mean@-1|l2", "cls@-1", "mean@2"]


@dataclass(frozen=True)
class Picture:
    """A page's upper ``height`` pixels of CSS."""

    name: str
    address: str
    height: int


def poolwise(*words: str, codes: tuple[int, ...] = (0,)) -> None:
    code = subprocess.run([sys.executable, "-m", "poolwise", *words], check=False).returncode
    if code not in codes:
        raise SystemExit(f"poolwise {' '.join(words)} ended with {code}")


@contextmanager
def server(*readouts: str) -> Iterator[str]:
    """The address of a server of the demo model that is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = [word for readout in readouts for word in ("-r", readout)]
    process = subprocess.Popen(
        [sys.executable, "-m", "poolwise", "serve", "demo", *words, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + START_S
        while True:
            try:
                with urllib.request.urlopen(f"{address}/readyz"):
                    break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def make(folder: Path) -> None:
    """The pages of a sweep, the inspector and the doctor."""
    if not (folder / "sweep/report.html").exists():
        poolwise("sweep", "demo", *SWEEP, "-o", str(folder / "sweep"))
    if not (folder / "inside.html").exists():
        poolwise("inspect", "demo", SENTENCE, "--html", str(folder / "inside.html"))
    if not (folder / "doctor.html").exists():
        with server("cls@-1") as address:
            asked = ["doctor", "demo", "--endpoint", f"{address}/v1"]
            poolwise(*asked, "-o", str(folder / "doctor.html"), codes=(0, 9))


def shoot(browser: Browser, picture: Picture) -> None:
    """For a light page and a dark one."""
    for scheme, ending in (("light", ""), ("dark", "-dark")):
        context = browser.new_context(
            viewport={"width": WIDTH, "height": picture.height},
            device_scale_factor=SCALE,
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto(picture.address)
        if picture.name == "serve":
            compare(page)
        page.wait_for_timeout(500)
        save(page.screenshot(), PICTURES / f"{picture.name}{ending}.png")
        context.close()


def compare(page: Page) -> None:
    """The server's page with its sentences compared."""
    page.wait_for_selector(".choice")
    page.click("button.main")
    page.wait_for_selector("#comparison figure")


def save(png: bytes, path: Path) -> None:
    """In 256 colours, which flat pages hardly show."""
    image = Image.open(BytesIO(png)).convert("RGB")
    small = image.quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise SystemExit(f"{path.name} has {size:,} bytes, expected {MAX_BYTES:,} at most")
    print(f"{path.relative_to(ROOT)}: {image.width} x {image.height}, {size:,} bytes")


def main(folder: Path) -> None:
    PICTURES.mkdir(exist_ok=True)
    make(folder)
    with server(*READOUTS) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for picture in (
            Picture("report", (folder / "sweep/report.html").as_uri(), 900),
            Picture("inspect", (folder / "inside.html").as_uri(), 545),
            Picture("doctor", (folder / "doctor.html").as_uri(), 640),
            Picture("serve", f"{address}/", 1480),
        ):
            shoot(browser, picture)
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
