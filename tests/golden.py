"""Goldens: what is on record in `fixtures`, to the byte. `make golden` (pytest with `--golden`) writes down what comes
out now instead, for somebody to read the difference and commit it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"
_OPTION = "--golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option, for tests/conftest.py."""
    parser.addoption(_OPTION, action="store_true", help="write goldens anew instead of comparing with them")


class Golden:
    """Compares with what is on record, or writes it anew."""

    def __init__(self, anew: bool) -> None:
        self._anew = anew

    def file(self, path: Path, found: str | bytes) -> None:
        """A file holds exactly this."""
        data = found.encode() if isinstance(found, str) else found
        if self._anew:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        assert data.decode("utf-8", "backslashreplace") == path.read_bytes().decode("utf-8", "backslashreplace"), path
        assert data == path.read_bytes(), path

    def folder(self, root: Path, found: Mapping[str, str | bytes], pattern: str = "*") -> None:
        """A folder holds exactly these files, by path below it, of those whose names fit the pattern."""
        there = {path.relative_to(root).as_posix(): path for path in root.rglob(pattern) if path.is_file()}
        if self._anew:
            for name in there.keys() - found.keys():
                there.pop(name).unlink()
        assert there.keys() | (found.keys() if self._anew else set()) == found.keys()
        for name, data in found.items():
            self.file(root / name, data)


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Golden:
    """What compares with the goldens on record."""
    return Golden(request.config.getoption(_OPTION))
