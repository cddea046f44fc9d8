"""What bad files cost beside a good one: `python -m bench.bad`. Seconds of processor time to read 20,000 records and
find everything that is wrong with them, and how many times that of the same file without a fault (FIL-4)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping

from fixtures.generate import entries
from parsers.columns import columns
from parsers.findings import Found
from parsers.reader import read
from parsers.writer import single

RECORDS, ROUNDS = 20_000, 5
GOAL = 10
"""Times the cost of a good file."""
CENTRE = "64123"

Spoil = Callable[[bytes, random.Random], bytes]


def _replaced(record: bytes, chance: random.Random) -> bytes:
    """Two characters are others."""
    spoilt = bytearray(record)
    for _ in range(2):
        spoilt[chance.randrange(2, len(spoilt))] = chance.randrange(33, 127)
    return bytes(spoilt)


def _moved(record: bytes, chance: random.Random) -> bytes:
    """Two characters are others, missing or too many."""
    spoilt = bytearray(record)
    for _ in range(2):
        place, new = chance.randrange(2, len(spoilt)), chance.randrange(33, 127)
        spoilt[place : place + chance.choice((0, 1, 1))] = bytes([new])[: chance.choice((0, 1, 1))]
    return bytes(spoilt)


DETAILS: Mapping[str, Spoil] = {
    "two characters replaced": _replaced,
    "two replaced, lost or added": _moved,
    "columns 21 to 100 back to front": lambda record, _: record[:20] + record[20:100][::-1] + record[100:],
    "rubbish behind the record type": lambda record, chance: record[:2] + _rubbish(len(record) - 2, chance),
    "nothing but rubbish": lambda record, chance: _rubbish(len(record), chance),
}
"""What can happen to each detail record."""


def _rubbish(length: int, chance: random.Random) -> bytes:
    return bytes(chance.randrange(33, 127) for _ in range(length))


def bad_files(good: bytes) -> Iterator[tuple[str, bytes]]:
    """What can happen to a file, each with its name."""
    lines = good.split(b"\r\n")[:-1]
    for name, spoil in DETAILS.items():
        chance = random.Random(3)
        yield name, _whole(spoil(line, chance) if line[1:2] == b"5" else line for line in lines)
    chance = random.Random(4)
    yield "records out of order", _whole(chance.sample(lines, len(lines)))
    yield (
        "records of any type",
        _whole(line[:1] + chance.choice((b"1", b"3", b"5", b"7", b"9")) + line[2:] for line in lines),
    )


def _whole(lines: Iterator[bytes] | list[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


def cost(data: bytes) -> float:
    """Seconds of processor time, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        submission = read(f"E{CENTRE}15.X01", data)
        if submission.layout:
            columns([submission], submission.layout, Found([submission.named]))
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    """Prints the table."""
    records = entries("E", CENTRE, RECORDS, ("BEN01", "BEN02"), seed=1)
    good = single("E", CENTRE, records, awarding_body="15", series_key="6B24", sequence=1, produced="150224")
    least = cost(good)
    print(f"{f'a good file of {RECORDS:,} records':44}{least:8.3f} s")
    for name, data in bad_files(good):
        seconds = cost(data)
        met = "" if seconds <= GOAL * least else f"   above {GOAL}"
        print(f"{name:44}{seconds:8.3f} s {seconds / least:6.1f} times{met}")


if __name__ == "__main__":
    main()
