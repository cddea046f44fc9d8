"""What stands sealed in an address: for one person, one purpose and a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.console.tokens import LASTS, Tokens

NOW = datetime(2024, 8, 21, 9, tzinfo=UTC)


@given(st.text(), st.text(), st.text())
def test_ops_3_a_token_says_nothing_and_opens_to_its_person_only(secret: str, who: str, words: str) -> None:
    tokens = Tokens.of(secret)
    token = tokens.sealed("search", who, {"words": words}, NOW)
    assert len(words) < 3 or words not in token
    assert tokens.opened("search", who, token, NOW) == {"words": words}
    assert tokens.opened("search", f"{who} too", token, NOW) is None
    assert tokens.opened("personal", who, token, NOW) is None
    assert Tokens.of(f"{secret} of another desk").opened("search", who, token, NOW) is None


def test_ops_3_a_token_expires_and_what_is_none_opens_nothing() -> None:
    tokens = Tokens.of("")
    token = tokens.sealed("personal", "admin", {"of": "file 1"}, NOW)
    assert tokens.opened("personal", "admin", token, NOW + LASTS) is not None
    assert tokens.opened("personal", "admin", token, NOW + LASTS + timedelta(seconds=1)) is None
    for broken in ("", "x", token[:-4], f"{token}é", "=" * 9):
        assert tokens.opened("personal", "admin", broken, NOW) is None
