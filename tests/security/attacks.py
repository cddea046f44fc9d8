"""Files that a feed must survive, made from what the feed declares of itself (FIL-7): a feed that is added is attacked
without anybody writing a test."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from attrs import frozen

from pipeline.feeds import Feed

MIB = 1024 * 1024
HUGE = 60 * MIB
MANY = 1_000


@frozen
class Attack:
    """A file under a name, and the finding it must get; `columns`: what the finding has to name."""

    name: str
    data: bytes
    code: str
    named: str = ""


def good(feed: Feed) -> bytes:
    """A file of the feed in which nothing is wrong."""
    return _file(list(feed.layout.columns), [[row[name] for name in feed.layout.columns] for row in feed.example])


def attacks(feed: Feed) -> Iterator[Attack]:
    """Every file that is hostile but not large."""
    yield from _as_a_whole(feed)
    yield from _in_the_first_line(feed)
    yield from _in_rows(feed)


def huge(feed: Feed) -> Iterator[Attack]:
    """Files of 60 MB. Of a feed that takes so much each is read; of another it is told that it is too large."""
    row, too_large = feed.layout.row.name, "FILE_TOO_LARGE"
    header = good(feed).partition(b"\r\n")[0] + b"\r\n"
    small = feed.most_bytes is not None and feed.most_bytes < HUGE
    for name, unit, code in (("huge-line", b"x", row), ("huge-lines", b"\n", "FEED_NOT_CSV")):
        yield Attack(f"{name}.csv", header + _repeated(unit), too_large if small else code)


@cache
def _repeated(unit: bytes) -> bytes:
    return unit * (HUGE // len(unit))


def _file(header: Sequence[str], rows: Sequence[Sequence[str]], encoding: str = "utf-8") -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return target.getvalue().encode(encoding)


def _as_a_whole(feed: Feed) -> Iterator[Attack]:
    data, no_csv = good(feed), "FEED_NOT_CSV"
    text = data.decode()
    header = data.partition(b"\r\n")[0] + b"\r\n"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield Attack(f"{encoding}.csv", text.encode(encoding), no_csv, "UTF-")
    yield Attack("gzip.csv", gzip.compress(data, mtime=0), no_csv, "gzip")
    yield Attack("zip.csv", b"PK\x03\x04" + data, no_csv, "zip")
    yield Attack("page.csv", b"<!DOCTYPE html><html>" + data, no_csv, "web page")
    yield Attack("nul.csv", b"\0" * MIB, no_csv)
    yield Attack("lines.csv", b"\n" * (MIB + 1), no_csv)
    yield Attack("commas.csv", b"," * MIB, no_csv)
    yield Attack("quotes.csv", b'"' * MIB, no_csv)
    yield Attack("empty.csv", b"", "FEED_COLUMNS")
    yield Attack("blank.csv", b" \r\n \r\n", "FEED_COLUMNS")
    yield Attack("header-only.csv", header, "FEED_EMPTY")
    yield Attack("latin-1.csv", b"\xe9\xe8" + data, "FEED_COLUMNS")


def _in_the_first_line(feed: Feed) -> Iterator[Attack]:
    names = list(feed.layout.columns)
    rows = [[row[name] for name in names] for row in feed.example]
    for at, name in enumerate(names):
        without = [_but(names, at), *[_but(row, at) for row in rows]]
        if name not in feed.layout.optional:
            yield Attack(f"missing-{name}.csv", _file(without[0], without[1:]), "FEED_COLUMNS", name)
        twice = [[*row, row[at]] for row in rows]
        yield Attack(f"twice-{name}.csv", _file([*names, name], twice), "FEED_COLUMN_TWICE", name)
    for title, extra in (("unknown", "surprise"), ("unnamed", ""), ("control", "sur\x1b[2Jprise")):
        more = _file([*names, extra], [[*row, "1"] for row in rows])
        yield Attack(f"column-{title}.csv", more, "FEED_COLUMN_UNKNOWN")
    many = [f"c{n}" for n in range(20)]
    yield Attack("columns-many.csv", _file([*names, *many], []), "FEED_COLUMN_UNKNOWN", "and 10 more")


def _but(cells: Sequence[str], at: int) -> list[str]:
    return [*cells[:at], *cells[at + 1 :]]


def _in_rows(feed: Feed) -> Iterator[Attack]:
    names, row = list(feed.layout.columns), feed.layout.row.name
    first = {name: feed.example[0][name] for name in names}

    def of(name: str, value: str) -> bytes:
        # Every row of the example is wrong, so that nothing of the file can be booked, whatever the feed's rule.
        rows = [[*({**one, name: value}).values()] for one in _in_order(feed.example, names)]
        return _file(names, rows)

    for name, most in feed.layout.columns.items():
        yield Attack(f"nul-{name}.csv", of(name, f"{first[name]}\0"), row, "\\x00")
        yield Attack(f"escape-{name}.csv", of(name, f"\x1b[2J{first[name]}"), row, "\\x1b")
        yield Attack(f"c1-{name}.csv", of(name, f"{first[name]}x\x9b31m"), row, "\\x9b")
        yield Attack(f"long-{name}.csv", of(name, "7" * (most + 1)), row)
        yield Attack(f"megabyte-{name}.csv", _file(names, [[*({**first, name: "7" * MIB}).values()]]), row)
        yield Attack(f"latin-{name}.csv", of(name, "\xe9").replace("\xe9".encode(), b"\xe9"), row)
        yield Attack(f"line-{name}.csv", of(name, "a\r\nb"), row)
    cells = [first[name] for name in names]
    yield Attack("cell-more.csv", _file(names, [[*cells, "1"]]), row)
    yield Attack("cell-fewer.csv", _file(names, [cells[:-1]]), row)
    plain = _file(names, [cells])
    yield Attack("quote-open.csv", plain[:-2].rpartition(b"\n")[0] + b'\n"' + ",".join(cells).encode(), row)
    yield Attack("nul-many.csv", _file(names, [["\0"] * len(names)] * MANY), row)
    yield Attack("emoji-many.csv", _file(names, [["\N{PILE OF POO}" * 41] * len(names)] * MANY), row)


def _in_order(rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> Iterator[dict[str, str]]:
    for row in rows:
        yield {name: row[name] for name in names}
