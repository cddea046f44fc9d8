"""Files as the console shows them: replies, and the record of a finding with its columns marked. Users who may not see
personal data get both without it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from infra.ledger.approvals import Signer
from infra.store import Missing, Store
from parsers.feed import read_feed
from parsers.findings import Finding, Reach
from parsers.gathered import Cause, Gathered, Place
from parsers.layouts import FILE_TYPES, LAYOUTS, Layout
from parsers.lines import lines_of as numbered
from pipeline.files.mask import PERSONAL, masked_record
from pipeline.intake import replies
from rules import terms
from rules.cards import FIELDS, Card
from rules.details import DetailChange
from rules.fees import Charge
from rules.findings import CODES

_ENVELOPE = 11
"""Columns at the start of a detail record that hold nothing personal: record type, centre and candidate number."""
_OUT_OF_PLACE = frozenset({"RECORD_SHIFTED", "RECORDS_SHIFTED", "LAYOUT_OTHER", "RECORD_WIDTH", "RECORD_SHORT",
                           "RECORD_OTHER_TYPE", "SPACES_LOST", "SPACES_EXTRA", "CONTROL_CHARACTER"})  # fmt: skip
"""Findings about records whose fields are not where the layout has them."""
HIDDEN = "\N{HORIZONTAL ELLIPSIS}"
_DOTS = "..."
"""The same in a reply, which is plain ASCII."""

_HARMLESS = """
NOT_A_FILE FILE_IN_FOLDER FILE_EMPTY FILE_TOO_LARGE FILE_NOT_EDI FILE_TEXT_WIDE FILE_FAILED HELD_CLOSED
HELD_RELEASED FILE_NAME FILE_RENAMED FILE_TYPE FILE_DIRECTION FILE_TYPE_HELD NAME_HEADER HEADERS_DIFFER OTHER_CENTRE
MANY_CENTRES RECORD_CENTRE STREAM_UNKNOWN FORMATS_VERSION OLD_FORMAT FILES_JOINED FILE_CUT TRAILER_DOUBLED
SEQUENCE_SPACES DISTRIBUTION_BLANK CENTRE_ZERO CANDIDATE_ZEROS LINES_TWICE
SEQUENCE_NUMBER COUNT_WRONG SPACES_LOST SPACES_EXTRA LINE_ENDS LAST_LINE_END BLANK_LINES BYTE_ORDER_MARK
END_OF_FILE_MARK FILE_PADDED LINE_ENDS_DOUBLED LINE_ENDS_LOST NULS_READ SPREADSHEET_MARKS LINE_PREFIX LETTERS_SMALL
TABS_READ SPACES_SQUEEZED TABLE_SAVED OPTIONS_MOVED MORE_OF_THE_SAME FIELD_MISSING CANDIDATE_NUMBER UCI_MISSING
OPTION_UNKNOWN OPTION_SIGNS OPTION_TWICE
OPTION_NOT_IN_SERIES WINDOW_NOT_OPEN WINDOW_CLOSED CLAIM_WINDOW CLAIM_AWARDED ALREADY_PROCESSED FILE_SAYS_NOTHING
NUMBER_REUSED SECOND_ENTRY_FILE SEQUENCE_OLD SEQUENCE_GAP AMENDMENT_FIRST WITHDRAWN LATE_FEE CENTRE_NOT_APPROVED
CENTRE_UNKNOWN REGISTER_REPEATED REGISTER_TWICE REGISTER_LATER RETAKE_LIMIT RESIT_LIMIT TERMINAL_RULE
PRACTICE_SITTING NOT_HELD
NOTHING_HELD MARK_COMPONENT MARK_EXTERNAL MARK_INTERNAL
MARK_NOT_ENTERED MARK_REPEATED MARK_TWICE MARK_ABOVE MARK_MISSING MARK_AND_STATUS MARK_TASKS MARK_LATE
UPLOAD_UNFINISHED
REGISTERED_ALREADY ENTERED_ELSEWHERE REGISTRATION_IN_USE RESULT_OUT MARK_AFTER_DRAW MARKS_COMPLETE NOT_COMPLETED
"""
HARMLESS = frozenset(_HARMLESS.split())
"""Codes whose sentences quote nothing about a person beyond the candidate number. For any other code, such as a new
one, the sentences are shown without what they quote."""


@frozen
class Record:
    """A line of a file around a finding: the text before, in and after the finding's columns; `first` is the first of
    them, 1-based. `hidden`: personal data is masked."""

    line: int
    before: str
    marked: str
    after: str
    hidden: bool

    @property
    def ruler(self) -> tuple[str, str]:
        """The column numbers above the line: tens and units."""
        width = len(self.before) + len(self.marked) + len(self.after)
        tens = "".join(f"{ten:>10}" for ten in range(10, width + 10, 10))[:width]
        return tens, ("1234567890" * (width // 10 + 1))[:width]


def lines_of(store: Store, sha256: str, wanted: Iterable[int]) -> dict[int, str]:
    """The lines with these numbers, from 1, of a file in the archive; none when it is not there."""
    numbers = set(wanted)
    if not numbers or not sha256:
        return {}
    try:
        data = store.get(f"archive/{sha256}")
    except Missing:
        return {}
    found = numbered(data)
    return {number: found[number - 1] for number in numbers if 0 < number <= len(found)}


SHOWN_LINES = 300
"""Lines of a file that its page shows; a download has all. Ours."""


def original(
    store: Store, sha256: str, letter: str | None, findings: Sequence[Mapping[str, Any]], *, personal: bool
) -> tuple[list[Record], int]:
    """The first lines of a file in the archive, the columns of the first finding of each marked, and how many lines
    there are; none when it is not there. Unless `personal`, whatever may be about a person is masked."""
    try:
        text = numbered(store.get(f"archive/{sha256}"))
    except Missing:
        return [], 0
    text = text[:-1] if text and not text[-1] else text
    marked = {finding["line"]: finding for finding in reversed(findings) if finding["first_column"]}
    plain = {"first_column": None, "last_column": None, "code": ""}
    shown = [
        record(number, line, letter, marked.get(number, plain), personal=personal)
        for number, line in enumerate(text[:SHOWN_LINES], 1)
    ]
    return shown, len(text)


def stated(store: Store, sha256: str) -> str:
    """OPS-4: who has asked, as a feed file of the archive states it itself; empty when it names nobody."""
    try:
        feed = read_feed("feed.csv", store.get(f"archive/{sha256}")).feed
    except Missing:
        return ""
    names = [] if feed is None else feed["who"].unique(maintain_order=True).to_list()
    return ", ".join(f"{Signer(name, terms.STATED)}" for name in names[:3] if name)


def record(line: int, text: str, letter: str | None, finding: Mapping[str, Any], *, personal: bool) -> Record:
    """A line with the columns of a finding marked (`infra.ledger.console.FINDINGS`); unless `personal`, whatever may be
    about a person is masked."""
    hidden = not personal and _is_detail(text)
    shown = visible_width(_hidden(text, letter, str(finding["code"])) if hidden else text)
    first, last = finding["first_column"], finding["last_column"]
    if first is None:
        return Record(line, shown, "", "", hidden)
    # Columns that a record cut short does not have are shown as the spaces they should be.
    shown = shown.ljust(min(last, first + 40))
    return Record(line, shown[: first - 1], shown[first - 1 : last], shown[last:], hidden)


def visible_width(text: str) -> str:
    """Text with each control character replaced by a single sign, so that columns stay in place."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _is_detail(text: str) -> bool:
    """Whether a line may be about a learner; headers and trailers never are."""
    return text[1:2] not in ("1", "3", "7", "9") or not text[:1].isalpha() or len(text.rstrip()) > _WIDEST


_WIDEST = max(layout.width for layout in LAYOUTS)


def _hidden(text: str, letter: str | None, code: str) -> str:
    layout = _layout(letter, len(text))
    if layout is not None and code not in _OUT_OF_PLACE:
        return masked_record(text, layout)
    return text[:_ENVELOPE] + re.sub(r"\S", ".", text[_ENVELOPE:])


def _layout(letter: str | None, width: int) -> Layout | None:
    kind = FILE_TYPES.get(letter or "")
    return kind.detail if kind and kind.detail and kind.detail.width == width else None


# --- Findings and replies ---------------------------------------------------------------------------------------------


def said(finding: Mapping[str, Any], *, personal: bool) -> dict[str, Any]:
    """A finding (`infra.ledger.console.FINDINGS`) as it is shown; unless `personal`, with the sentences of its code but
    without what they quote from the file."""
    if personal or finding["code"] in HARMLESS:
        return dict(finding)
    shown = {**finding, **_sentences(str(finding["code"]))}
    if finding["value"] is not None:
        keep = finding["field"] is not None and finding["field"] not in PERSONAL and _short_code(finding["value"])
        shown["value"] = finding["value"] if keep else HIDDEN
    return shown


def _short_code(value: str) -> bool:
    """An option code, a number of a few digits: nothing that could be a name or an identifier of a person."""
    return re.fullmatch(r"[A-Z]{0,3}[0-9]{0,4}", value) is not None


def _sentences(code: str) -> dict[str, str]:
    known = CODES.get(code)
    if known is None:
        return dict.fromkeys(("message", "expected", "remedy"), HIDDEN)
    return {name: re.sub(r"\{[^}]*\}", HIDDEN, getattr(known, name)) for name in ("message", "expected", "remedy")}


def reply_text(twin: str, *, personal: bool) -> str:
    """A reply as text, from its JSON twin; unless `personal`, without what its findings quote from the file, and
    without the values of changed details and of the cards of candidates in doubt (REG-6, REG-7)."""
    plain = json.loads(twin)
    findings = tuple(
        Finding(
            **{**finding, "reach": Reach(finding["reach"]), "columns": finding["columns"] and tuple(finding["columns"])}
        )
        for finding in plain.pop("findings")
    )
    causes, left_out = (tuple(_cause(cause) for cause in plain.pop(name, ())) for name in ("causes", "left_out"))
    fees = tuple(Charge(**charge) for charge in plain.pop("fees"))
    changes = tuple(DetailChange(**change) for change in plain.pop("details_changed", ()))
    cards = tuple(_card(card) for card in plain.pop("who_is_who", ()))
    if not causes:  # of a reply that was written before causes were gathered
        causes = tuple(gathered for finding in findings for gathered in Cause.of(finding).told())
    whole = replies.Reply(
        **plain, fees=fees, causes=causes, left_out=left_out, findings=findings, details_changed=changes,
        who_is_who=cards,
    )  # fmt: skip
    if not personal:
        whole = evolve(
            whole,
            next_action=_DOTS if any(cause.code not in HARMLESS for cause in causes) else whole.next_action,
            causes=tuple(_without_quotes(cause) for cause in causes),
            findings=(),
            details_changed=tuple(evolve(change, uci=_DOTS, old=_DOTS, new=_DOTS) for change in changes),
            who_is_who=tuple(_without_values(card) for card in cards),
        )
    return replies.text(whole).replace("\r\n", "\n")


def _card(card: Mapping[str, Any]) -> Card:
    return Card(
        candidate=card["candidate"],
        sources=tuple(card["sources"]),
        said={words: tuple(values) for words, values in card["said"].items()},
        differs=tuple(card["differs"]),
    )


def _without_values(card: Card) -> Card:
    """Which lines differ in what; of the values only candidate numbers."""
    shown = FIELDS["candidate"]
    said = {words: values if words == shown else (_DOTS,) * len(values) for words, values in card.said.items()}
    return evolve(card, said=said)


def _cause(cause: Mapping[str, Any]) -> Gathered:
    places = tuple(
        Place(place["columns"] and tuple(place["columns"]), tuple((first, last) for first, last in place["lines"]))
        for place in cause["places"]
    )
    whom = tuple((first, last) for first, last in cause["candidates"])
    return Gathered(**{**cause, "reach": Reach(cause["reach"]), "places": places, "candidates": whom})


def _without_quotes(cause: Gathered) -> Gathered:
    if cause.code in HARMLESS:
        return cause
    said = {name: words.replace(HIDDEN, _DOTS) for name, words in _sentences(cause.code).items()}
    return evolve(cause, message=said["message"], expected=said["expected"], remedy=said["remedy"])
