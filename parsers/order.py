"""The order of records, judged by Lark over the kinds of records a file holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from lark import Lark, Token
from lark.exceptions import UnexpectedInput
from lark.lexer import Lexer
from lark.parsers.lalr_interactive_parser import InteractiveParser

TERMINALS = {"1": "FILE_HEADER", "3": "CENTRE_HEADER", "5": "DETAILS", "7": "CENTRE_TRAILER", "9": "FILE_TRAILER"}
"""The terminal of each record type; `5` stands for a run of detail records."""

SPOKEN = {
    "FILE_HEADER": "a file header (type 1)",
    "CENTRE_HEADER": "a centre header (type 3)",
    "DETAILS": "a detail record (type 5)",
    "CENTRE_TRAILER": "a centre trailer (type 7)",
    "FILE_TRAILER": "a file trailer (type 9)",
    "$END": "the end of the file",
}


class _RecordTypes(Lexer):
    """Lexes record types that have been cut out of the lines already: a character a token."""

    def __init__(self, _: object) -> None:
        pass

    def lex(self, record_types: Iterable[str]) -> Iterator[Token]:  # type: ignore[override]
        return (Token(TERMINALS[record_type], record_type) for record_type in record_types)


ORDER = Lark.open("grammar.lark", rel_to=__file__, parser="lalr", lexer=_RecordTypes)


@lru_cache(maxsize=1024)
def in_order(record_types: str) -> bool:
    """Whether records of these types, runs of details given as one `5`, make a whole file. Files of one centre all
    ask the same question, so the answer is kept."""
    try:
        ORDER.parse(record_types)
    except UnexpectedInput:
        return False
    return True


class Expected:
    """Walks through the kinds of a file's records and says at each point which may come next."""

    def __init__(self) -> None:
        self._parser: InteractiveParser = ORDER.parse_interactive("")
        self._last = ""
        self._accepted: set[str] | None = None

    def next(self) -> set[str]:
        """The kinds that may come next. The grammar takes a run of details as one; more of them may always follow."""
        # A file may have nothing but records out of place: the grammar is asked once for all of them.
        if self._accepted is None:
            self._accepted = set(self._parser.accepts())  # type: ignore[no-untyped-call]
        return self._accepted | ({self._last} & {"DETAILS"})

    def take(self, kind: str) -> bool:
        """Goes on past a record, or a run of details, of this kind; False when it may not come here."""
        if kind not in self.next():
            return False
        if kind != self._last:
            self._parser.feed_token(Token(kind, ""))
            self._accepted = None
        self._last = kind
        return True


def either(kinds: Iterable[str]) -> str:
    """`a centre header (type 3) or a file trailer (type 9)`."""
    return " or ".join(sorted(SPOKEN[kind] for kind in kinds))
