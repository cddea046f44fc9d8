"""The crash matrix (`bench/crashes.py`) on a folder store: `python -m bench.crash_matrix [CENTRES] [LEARNERS]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.crash_season import Size
from bench.crashes import ground, matrix
from bench.desks import temporary_server


def main(arguments: Sequence[str]) -> None:
    """Prints every crash that left a difference, and the counts."""
    size = Size(*(int(number) for number in arguments))
    with temporary_server() as (server, folder):
        done = matrix(ground(server, folder, size), str(folder / "stores"), first_too=True)
    for crash in done.wrong:
        print(f"{crash.stage}, {crash.step} {crash.nth}: {', '.join(crash.differences)}")
    for where in done.unmarked:
        print(f"no step: {where}")
    for never in done.never:
        print(f"never passed: {never}")
    for told in done.undeclared:
        print(told)
    print(done.note())
    sys.exit(1 if done.wrong or done.unmarked or done.never or done.undeclared else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
