"""Replies are plain text: lines in, the same lines out, and nothing in them that a terminal obeys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parsers import reply
from parsers.reader import read

LINES = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80).map(str.rstrip), max_size=20)


@given(LINES)
def test_what_is_written_is_read(lines: list[str]) -> None:
    assert reply.decode(reply.encode(lines)) == lines


@given(st.lists(st.text(max_size=40), max_size=5))
def test_a_reply_is_printable_ascii_whatever_it_tells_of(lines: list[str]) -> None:
    data = reply.encode(lines)
    assert data.isascii()
    assert not [code for code in data.replace(b"\r\n", b"") if code < 32 or code == 127]


def test_a_reply_is_recognised_by_its_name_and_kept_as_text() -> None:
    submission = read("X6412315.X01", b"REPLY X6412315.X01\r\nto centre 64123\r\n")
    assert submission.type is not None
    assert (submission.type.letter, submission.text) == ("X", ("REPLY X6412315.X01", "to centre 64123"))
    assert submission.findings == ()
    assert not submission.readable
