"""Everything hostile that lands: names, contents and things that are no files, each with the reply it must get."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

from fixtures.generate import people
from parsers.envelope import Centre, Header
from parsers.feed import write_feed
from parsers.layouts import CANDIDATE, CENTRE_HEADER, CENTRE_TRAILER, FILE_HEADER, FILE_TRAILER, MARK
from parsers.writer import block, candidate_records, file, record, single
from pipeline.orders import Order
from tests.support import centre_file

NOW = datetime(2024, 2, 15, 12, tzinfo=UTC)
REGISTERED = datetime(2023, 9, 18, 12, tzinfo=UTC)
SECRET = b"what lies outside the store is nobody's to read"

NAMES, BYTES, THINGS, CONTENTS, FIELDS = "20001", "20002", "20003", "20004", "20005"
"""Centres that send what is hostile by its name, the bytes of its name, its kind, its size, its fields."""

OURS, THEIRS = "64123", "58201"
"""A centre, and the one it must learn nothing about."""

NOBODY = "00000"
"""Answers what lands outside every centre's folder: staff read it."""


@frozen
class Case:
    """A file that lands: `centre` is the folder it is in, `answered` the centre that is told."""

    centre: str
    name: bytes
    data: bytes
    at: datetime = NOW
    place: str = "inbox"
    whose: str = ""

    @property
    def answered(self) -> str:
        return self.whose or self.centre

    @property
    def key(self) -> str:
        """Its key as the ledger keeps it."""
        text = self.name.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
        return "/".join(part for part in (self.place, self.centre, text) if part)


def land(root: Path, case: Case) -> None:
    """Puts a case where its sender puts it, under the very bytes of its name."""
    path = root / case.place / case.centre / os.fsdecode(case.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(case.data)
    os.utime(path, (case.at.timestamp(), case.at.timestamp()))


# --- Names -----------------------------------------------------------------------------------------------------------

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\N{RIGHT-TO-LEFT OVERRIDE}\N{LEFT-TO-RIGHT ISOLATE}\N{LINE SEPARATOR}"
"""An escape sequence that clears the screen, one that renames the window, a C1 one, and what turns text around."""

_TEXTS = (
    "..E6412315.X01",
    "-rf",
    "--help",
    "-",
    "CON",
    "NUL.X01",
    "aux.txt",
    "E2000115.X01.",
    "E2000115.X01...",
    "E2000115.X01:stream",
    "new\nline.X01",
    "return\rE2000115.X02",
    "tab\tE2000115.X02",
    "E2000115.X02\n",
    f"{ESCAPES}.X01",
    "E2000115\N{FULLWIDTH FULL STOP}X03",
    "\N{CYRILLIC CAPITAL LETTER IE}2000115.X04",
    "\N{FULLWIDTH LATIN CAPITAL LETTER E}2000115.X05",
    "E20\N{ARABIC-INDIC DIGIT ZERO}0115.X06",
    "\N{LATIN SMALL LETTER LONG S}20001_15.X07",
    "\N{ZERO WIDTH SPACE}E2000115.X08",
    "x" * 251 + ".X01",
    "x" * 255,
    "X2000100.X01",
    "X2000100.X01.json",
    "X2000115.X01.json",
    "x2000100.x02",
    "R2000115.X01",
    "statement-2024-06.csv",
    "$(touch owned)",
    "`touch owned`",
    "E2000115.X09;touch owned",
    "%s%n%(name)s",
    "{value}{0.__class__.__mro__}{uci}",
    "[bold red]markup",
    "[link=there]here",
    "<script>alert(1)<!--.X01",
    '"><img src=x onerror=alert(1)>',
    "'); DROP TABLE submissions;--",
    "\\N",
    "\\.",
    "\\\\host\\share\\E2000115.X01",
    "C:\\E2000115.X01",
    "..\\..\\E2000115.X01",
    "=cmd|' C calc'!A0",
    "@SUM(1+1)*cmd",
    "inbox",
    "outbox",
    "embargo",
)

NAMED = tuple(Case(NAMES, text.encode(), centre_file(centre=NAMES)) for text in _TEXTS if not text.startswith("."))
NESTED = (
    Case(BYTES, b"outbox/64123/X6412315.X01", b"E1"),
    Case(BYTES, b"embargo/2024-06/1/manifest.json", b"E1"),
    Case(BYTES, b"20002/E2000215.X01", b"E1"),
)
ILL_FORMED = tuple(
    Case(BYTES, name, centre_file(centre=BYTES))
    for name in (
        b"\xff\xfe\xfd",
        b"E2000215\xa0.X01",
        b"\xed\xa0\x80.X01",
        b"\xc0\xaf..\xc0\xaf.X01",
        b"\x80\x9b31mred.X01",
        b"\xf0\x9f\x98",
        b"latin-\xe9.X01",
        b"\x01\x02\x03\x1b[0m.X01",
    )
)
HOMELESS = (
    Case("", b"E6412315.X01", centre_file(), whose=NOBODY),
    Case("6412", b"E6412315.X01", centre_file(), whose=NOBODY),
    Case("64123 ", b"E6412315.X01", centre_file(), whose=NOBODY),
    Case("\N{FULLWIDTH DIGIT SIX}4123", b"E6412315.X01", centre_file(), whose=NOBODY),
    Case("outbox", b"X6412315.X01", b"E1", whose=NOBODY),
    Case("64123.", b"E6412315.X01", centre_file(), whose=NOBODY),
)
HIDDEN = Case(NAMES, b"..E2000115.X01", b"E1")

# --- Things that are no files ----------------------------------------------------------------------------------------


def land_all(root: Path, outside: Path) -> None:
    """Links, pipes, sockets and devices in a centre's folder, and a centre's folder that is a link."""
    inbox = root / "inbox" / THINGS
    inbox.mkdir(parents=True)
    (inbox / "link").symlink_to(outside / "secret.txt")
    (inbox / "E2000315.X01").symlink_to(outside / "secret.txt")
    (inbox / "folder-link").symlink_to(outside)
    (inbox / "dangling").symlink_to("/nowhere")
    (inbox / "loop").symlink_to("loop")
    (inbox / "up").symlink_to("../../outbox")
    os.mkfifo(inbox / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        here = Path.cwd()
        os.chdir(inbox)  # the name of a socket has 107 bytes at most
        try:
            door.bind("socket")
        finally:
            os.chdir(here)
    os.link(outside / "secret.txt", inbox / "hard")
    if os.geteuid() == 0:
        os.mknod(inbox / "device", stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero: it never ends
    (root / "inbox" / "20009").symlink_to(outside)


def things() -> Iterator[Case]:
    """What `land_all` has put there and what gets a reply."""
    names = ["link", "E2000315.X01", "folder-link", "dangling", "loop", "up", "pipe", "socket", "hard"]
    names += ["device"] if os.geteuid() == 0 else []
    yield from (Case(THINGS, name.encode(), b"") for name in names)


# --- Who speaks for whom ---------------------------------------------------------------------------------------------

THEIR_NAMES = ("QUILLIAM:ZEPHYRINE", "ABERNATHY:XANTHE", "FEATHERSTONE:OSRIC")
OUR_NAMES = ("PLAIN:ANNA", "PLAIN:BERT", "PLAIN:CARA")
SQL_NAMES = (
    "O'NEILL'); DROP TABLE ENTRIES;--:A",
    "\\N:\\.",
    "\\.:\\N",
    "A\"B:C,D'E;F",
    "{UCI}:%(NAME)S $1",
    "':' OR 1=1 --",
    "<B>X<B>:&LT;",
    "=CMD|'/C CALC'!A0:X",
    "+SUM:@X",
)
"""As they are in the record; their normal form is what is kept (REG-3)."""


def learners(centre: str, names: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """The learners of a centre: no two centres have one in common."""
    return [
        person | {"name": name}
        for person, name in zip(people(centre, len(names or OUR_NAMES), int(centre)), names or OUR_NAMES, strict=True)
    ]


def sent(
    letter: str,
    centre: str,
    rows: list[dict[str, str]],
    options: tuple[str, ...],
    number: int,
    *,
    stream: tuple[str, str] = ("15", "6B24"),
    records: str = "",
    distribution: str = "S",
) -> bytes:
    details = block(line for row in rows for line in candidate_records(letter, records or centre, row, options))
    header = Header(
        letter=letter, centre=centre, awarding_body=stream[0], series=stream[1][:2], year=stream[1][2:],
        distribution=distribution,
    )  # fmt: skip
    return file(header, [Centre(number=centre, sequence=number, produced="150224", details=details)])


def _registrations(centre: str, names: tuple[str, ...]) -> Case:
    data = sent("E", centre, learners(centre, names), ("BEN22",), 1, stream=("13", "9B23"))
    return Case(centre, f"E{centre}13.X01".encode(), data, REGISTERED)


REGISTRATIONS = (
    _registrations(THEIRS, THEIR_NAMES),
    _registrations(OURS, OUR_NAMES),
    _registrations(FIELDS, SQL_NAMES),
)

_TAKEN = ("BEN01", "BEN02", "BEN03")
THEIR_FILES = (
    Case(THEIRS, b"E5820115.X01", sent("E", THEIRS, learners(THEIRS, THEIR_NAMES), _TAKEN, 1)),
    *(
        Case(
            THEIRS,
            f"A5820115.X{number:02d}".encode(),
            sent("A", THEIRS, learners(THEIRS, THEIR_NAMES), _TAKEN, number),
        )
        for number in range(2, 20)
    ),
)
"""As many as ours, so that in every round one of theirs is decided beside one of ours."""


def _as(number: int, letter: str, rows: list[dict[str, str]], options: tuple[str, ...] = _TAKEN, **said: str) -> Case:
    """A file in our folder under a name of ours."""
    data = sent(letter, said.pop("header", OURS), rows, options, number, **said)  # type: ignore[arg-type]
    return Case(OURS, f"{letter}{OURS}15.X{number:02d}".encode(), data)


def _marks(number: int, header: str, rows: list[dict[str, str]]) -> Case:
    details = block(
        record(
            MARK,
            {"data_type": "M", "record_type": "5", "centre": header, "candidate": row["candidate"], "uci": row["uci"],
             "component": "BEN01", "mark": "50"},
        )
        for row in rows
    )  # fmt: skip
    said = Header(letter="M", centre=header, awarding_body="15", series="6B", year="24")
    data = file(said, [Centre(number=header, sequence=number, produced="010524", details=details)])
    return Case(OURS, f"M{OURS}15.X{number:02d}".encode(), data)


_THEM = learners(THEIRS, THEIR_NAMES)
_THEIR_UCIS = [learner | {"name": "PLAIN:ANNA"} for learner in _THEM]
_THEIR_NUMBERS = learners("31415", OUR_NAMES)
"""Candidates 0001 to 0003, as they have, with identifiers nobody has."""

SPEAKING = {
    "their file": Case(OURS, THEIR_FILES[0].name, THEIR_FILES[0].data),
    "their file under our name": Case(OURS, b"E6412315.X11", THEIR_FILES[0].data),
    "their centre in the header": _as(12, "E", learners(OURS), header=THEIRS, records=OURS),
    "their centre in the records": _as(13, "E", learners(OURS), records=THEIRS),
    "their UCIs": _as(14, "E", _THEIR_UCIS),
    "their UCIs as theirs": _as(15, "E", _THEIR_UCIS, header=THEIRS),
    "their UCIs in our header": _as(16, "E", _THEIR_UCIS, records=THEIRS),
    "their numbers": _as(17, "E", _THEIR_NUMBERS, header=THEIRS),
    "their numbers in our header": _as(18, "E", _THEIR_NUMBERS, records=THEIRS),
    "their withdrawals": _as(19, "A", _THEIR_UCIS, (), header=THEIRS),
    "a broadcast": _as(20, "E", _THEIR_UCIS, header=THEIRS, distribution="B"),
    "for many centres": _as(21, "E", _THEIR_NUMBERS, header=THEIRS, distribution="M"),
    "their marks": _marks(31, OURS, _THEM),
    "their marks as theirs": _marks(32, THEIRS, _THEIR_NUMBERS),
    "their claims by feed": Case(
        OURS, b"claims.csv",
        write_feed([
            {"action": "withdraw", "series": "6B24", "awarding_body": "15", "centre": THEIRS, "candidate": "0001",
             "uci": _THEM[0]["uci"], "option": "BEN01", "who": "portal"}
        ]),
        place="feeds/online",
    ),
}  # fmt: skip
"""Files of ours that speak for another centre."""

# --- Fields ----------------------------------------------------------------------------------------------------------

MOST = 90
"""Files a centre may send in one go before a reply gets a name that was used before."""


def _record(number: int, letter: str = "E", **said: str) -> bytes:
    """A file of one record of FIELDS in which fields say what they should not; text is written as UTF-8, so that what
    is not ASCII makes the record longer, as a careless program does."""
    person = learners(FIELDS, SQL_NAMES)[0]
    plain = single(
        letter, FIELDS, block(candidate_records(letter, FIELDS, person, ("BEN01",))), awarding_body="15",
        series_key="6B24", sequence=number, produced="150224", postcode="CF24 3QX",
    ).decode("ascii")  # fmt: skip
    lines = plain.split("\r\n")
    for name, value in said.items():
        line, place = {
            "software": (0, FILE_HEADER["software"]),
            "postcode": (1, CENTRE_HEADER["postcode"]),
            "records": (3, CENTRE_TRAILER["records"]),
            "all_records": (4, FILE_TRAILER["records"]),
            "centres": (4, FILE_TRAILER["centres"]),
            "sequence": (1, CENTRE_HEADER["sequence"]),
        }.get(name) or (2, CANDIDATE[name])
        text = value.ljust(place.width)[: place.width]
        lines[line] = lines[line][: place.first - 1] + text + lines[line][place.last :]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass")


def _field(number: int, **said: str) -> Case:
    return Case(FIELDS, f"E{FIELDS}15.X{number:02d}".encode(), _record(number, **said))


SQL = ("'); DROP --", "\\'; --", "\\N", "\\.", "\\\\", "a\tb", "%s%(x)s$1", '","\'"', "{0}{uci}")
"""What a database, COPY or a template might take for its own."""

FIRST_SQL = 6
"""The position in `IN_FIELDS` of the first of `SQL`."""

IN_FIELDS = (
    _field(20, name=f"{ESCAPES}:A"),
    _field(21, name="\x1b[31mRED:ANNA\x7f", upn="\x1b]0;x\x07", option_1="\x1b[0m"),
    _field(22, software="\x1b[2J", postcode="\x9b31m"),
    _field(23, name="<SCRIPT>ALERT(1)</SCRIPT>:A", upn="<IMG SRC=X>", option_1="<B>"),
    _field(24, name="A:\N{RIGHT-TO-LEFT OVERRIDE}TXT.EXE\N{ZERO WIDTH JOINER}", reserved="\N{BYTE ORDER MARK}"),
    _field(25, name='=HYPERLINK("HTTP://X"):A', upn="@SUM(A1)", option_1="+1"),
    *(_field(30 + at, upn=text, option_1=text[:5], name=f"{text}:A", reserved=text) for at, text in enumerate(SQL)),
    *(_field(45 + at, uci=text, uln=text[:10], postcode=text[:8], software=text[:6]) for at, text in enumerate(SQL)),
    _field(60, records="9999999", all_records="9999999", centres="9999999"),
    _field(61, records="0000000", all_records="0000000", centres="0000000"),
    _field(62, sequence="999"),
    Case(FIELDS, b"X2000500.X90", f"REPLY {ESCAPES}\r\n".encode()),
    Case(FIELDS, b"E2000515.X70", f"E{ESCAPES}\r\nE3\r\nE5\r\n".encode()),
    Case(FIELDS, b"E2000515.X71", b"\x1b[31m" * 1000),
)


def _feed(name: str, data: bytes | None = None, **said: str) -> Case:
    person = learners(FIELDS, SQL_NAMES)[0]
    row = {"action": "enter", "series": "6B24", "awarding_body": "15", "centre": FIELDS,
           "candidate": person["candidate"], "uci": person["uci"], "option": "BEN01", "who": "portal"}  # fmt: skip
    return Case(FIELDS, name.encode(), write_feed([row | said]) if data is None else data, place="feeds/online")


FEEDS = (
    _feed(f"{ESCAPES}.csv", option="BEN02"),
    _feed("escape.csv", who=ESCAPES, why=ESCAPES),
    _feed("nul.csv", who="A\0B", why="C\0D"),
    _feed("nul-field.csv", uci="A\0B", option="C\0D", centre="\0"),
    _feed("sql.csv", who="'); DROP TABLE entries;--", why="\\.\n\\N"),
    _feed("lines.csv", who="a\r\nb", why='"\n"'),
    _feed("formula.csv", who="=cmd|' /C calc'!A0", why="+1"),
    _feed("wide.csv", who="x" * 1_000_000),
    _feed("quote.csv", data=b'action,series\r\n"' + b"x" * 200_000),
    _feed("columns.csv", data=b"," * 200_000),
    _feed("lone.csv", data="action,who\r\nenter,\ud800\r\n".encode("utf-8", "surrogatepass")),
)

# --- Sizes -----------------------------------------------------------------------------------------------------------

HUGE = (
    Case(CONTENTS, b"E2000415.X01", b"E" * 3_000_000),
    Case(CONTENTS, b"E2000415.X02", b"\r\n" * 300_000),
    Case(CONTENTS, b"E2000415.X03", b"E1\r\n" + b"E5\r\n" * 200_000),
    Case(CONTENTS, b"E2000415.X04", b"\n".join([b"E3"] * 100_000)),
    Case(CONTENTS, b"E2000415.X05", b"E1" + b"9" * 400 + b"\r\nE3" + b"9" * 400 + b"\r\n"),
)

ORDER = Order(who=f"O'NEILL'); DROP TABLE actions;-- {ESCAPES}", why=f"<b>=1+1</b>\\N\t{ESCAPES}", at=NOW)
"""A member of staff whose name and reason are hostile too."""

WAVES = (
    REGISTRATIONS,
    (*THEIR_FILES, *NAMED, *NESTED, *ILL_FORMED, *HOMELESS, HIDDEN, *SPEAKING.values(), *IN_FIELDS, *FEEDS, *HUGE),
)
"""What lands before each ingest; what `land_all` puts there lands before the first."""


def every_case() -> Iterator[Case]:
    """Everything that gets a reply."""
    yield from things()
    yield from (case for wave in WAVES for case in wave if case is not HIDDEN)
