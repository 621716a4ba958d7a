"""``make pictures``: the small pictures of the README, from the artefacts of ``make demo``."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from PIL import Image

import perisurv as ps
from perisurv.regions import load_regions

RUN = Path("runs/demo")
TARGET = Path("docs/pictures")


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    draw()
    for picture in TARGET.glob("*.png"):
        Image.open(picture).convert("RGB").quantize(96).save(picture, optimize=True)  # small


def draw() -> None:
    largest = max((RUN / "regions").iterdir(), key=lambda p: sum(f.stat().st_size for f in p.iterdir()))
    (TARGET / "rings.png").write_bytes(ps.ring_picture(load_regions(largest)))
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={profile}", "--window-size=1100,1130",
             f"--screenshot={TARGET / 'report.png'}", (RUN / "report.html").resolve().as_uri()],
            check=True, capture_output=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
