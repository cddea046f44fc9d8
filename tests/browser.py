"""A browser for the tests: the machine's Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first takes half the processor time of the others."""
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def executable() -> Path:
    """The browser. Raises `RuntimeError`, which says what to do, when there is none."""
    found = next((Path(path) for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise RuntimeError("these tests need a browser: `make debian` installs Debian's, as root")
    return found


@contextmanager
def running() -> Iterator[Browser]:
    """The browser, running without a window until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
