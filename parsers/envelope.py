"""What headers and trailers say around the detail records: the same for reading and for writing."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from .layouts import FORMATS_VERSION


@frozen(kw_only=True)
class Header:
    """What the file header says, as text. `centre` holds a series key in files for many centres."""

    letter: str
    centre: str
    awarding_body: str
    series: str
    year: str
    distribution: str = "S"
    software: str = "RESDAY"
    software_version: str = "010"
    formats_version: str = FORMATS_VERSION

    @property
    def series_key(self) -> str:
        """Series and year, for example `6B24`."""
        return self.series + self.year


@frozen(kw_only=True)
class Centre:
    """One centre's part of a file.

    `details` are its detail records as bytes, each at canonical width and ended by CR LF; `lines` their line numbers in
    the file and `line` that of the centre header (0 where the part has not been read from one). `produced` is DDMMYY.
    """

    number: str
    sequence: int
    postcode: str = ""
    produced: str = ""
    details: bytes = field(default=b"", repr=False)
    lines: Sequence[int] = field(default=(), repr=False)
    line: int = 0

    @property
    def records(self) -> list[str]:
        """The detail records as text, without their line ends."""
        return self.details.decode("ascii").splitlines()
