"""People are told over a real mail server and a real webhook; whatever these do, the caller goes on."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve

from infra.host import LOCALHOST, free_port
from infra.notify import Message, send
from infra.settings import SettingError, Settings
from tests.mailbox import PASSWORD, USER, certificate, mail_server, webhook

MESSAGE = Message(
    subject="Resultsday: TEST", text="WHAT HAPPENED\n  Nothing – it is a test.\n", content={"code": "TEST"}
)
SAID = "Nothing – it is a test."


def mailing(port: int) -> Settings:
    return Settings(alert_mail_to="ops@example.org, head@example.org", alert_smtp_port=port, alert_seconds=5)


def test_a_message_goes_by_mail_and_webhook() -> None:
    with mail_server() as box, webhook() as hook:
        settings = evolve(mailing(box.port), alert_webhook=hook.url, alert_webhook_token="a token")
        assert send(settings, MESSAGE) == ["Mail", "Webhook"]
    [mail] = box.mails
    assert (mail["Subject"], mail["To"]) == ("Resultsday: TEST", "ops@example.org, head@example.org")
    assert SAID in mail.get_content()
    [(headers, content)] = hook.taken
    assert headers["Authorization"] == "Bearer a token"
    assert content == {"code": "TEST"}


def test_with_starttls_the_password_and_the_mail_go_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with mail_server(trusted) as box:
        settings = evolve(
            mailing(box.port), alert_smtp_tls="starttls", alert_smtp_user=USER, alert_smtp_password=PASSWORD
        )
        assert send(settings, MESSAGE) == ["Mail"]
        assert send(evolve(settings, alert_smtp_password="wrong", alert_seconds=1), MESSAGE) == []
    assert box.encrypted == [True]


def test_a_mail_server_nobody_vouches_for_is_told_nothing(tmp_path: Path) -> None:
    with mail_server(certificate(tmp_path)) as box:
        settings = evolve(
            mailing(box.port), alert_smtp_tls="starttls", alert_smtp_user=USER, alert_smtp_password=PASSWORD
        )
        assert send(settings, MESSAGE) == []
    assert box.mails == []


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RESULTSDAY_ALERT_SMTP_PASSWORD", "secret", "not sent in the clear"),
        ("RESULTSDAY_ALERT_SMTP_TLS", "perhaps", "must be none or starttls"),
        ("RESULTSDAY_ALERT_SECONDS", "0", "must be at least 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        Settings.load({variable: value})


def test_a_line_end_in_a_subject_makes_no_header() -> None:
    with mail_server() as box:
        assert send(mailing(box.port), evolve(MESSAGE, subject="one\r\nBcc: two@example.org")) == ["Mail"]
    assert [(mail["Subject"], mail["Bcc"]) for mail in box.mails] == [("one Bcc: two@example.org", None)]


def test_what_does_not_take_it_is_logged_without_a_word_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    with webhook() as hook, caplog.at_level(logging.WARNING):
        hook.answer = 500
        settings = evolve(mailing(free_port()), alert_webhook=f"{hook.url}?key=secret")
        assert send(settings, MESSAGE) == []
    said = caplog.text
    assert "the alert could not be sent by Mail: ConnectionRefusedError" in said
    assert "the alert could not be sent by Webhook: HTTPStatusError" in said
    assert "secret" not in said


@contextmanager
def drip() -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers a byte every fifth of a second, for ever; its port, and what it has answered."""
    listener, ended, dripped = socket.create_server((LOCALHOST, 0)), threading.Event(), list[bytes]()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while not ended.wait(0.2):
                dripped.append(b"2")
                connection.sendall(b"2")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], dripped
    finally:
        ended.set()
        thread.join()
        listener.close()


def test_a_server_that_drips_holds_nobody_up_and_keeps_nobody_else_from_being_told() -> None:
    with drip() as (port, dripped), webhook() as hook:
        settings = evolve(mailing(port), alert_webhook=hook.url, alert_seconds=1)
        assert send(settings, MESSAGE) == ["Webhook"]
        assert len(dripped) < 15  # three seconds' worth
    assert len(hook.taken) == 1
