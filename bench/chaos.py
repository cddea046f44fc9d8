"""Seasons in which whatever runs is killed at random moments (`bench/disturbed.py`): `make chaos SEED=1 SECONDS=60`."""

from __future__ import annotations

import argparse
import sys
from itertools import count

from bench.disturbed import chaos


def main() -> None:
    """Plays seasons from the command line; ends with 1 when anything is not the same."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seconds", type=float, default=60, help="how long to begin further seeds; 0: only the first")
    given = parser.parse_args()
    told = chaos(count(given.seed), given.seconds)
    for job in sorted(told.killed.keys() | told.cut_off.keys()):
        print(f"{job:24}{told.killed[job]:8,} killed{told.cut_off[job]:8,} lost PostgreSQL")
    print(told.note())
    sys.exit(1 if told.wrong else 0)


if __name__ == "__main__":
    main()
