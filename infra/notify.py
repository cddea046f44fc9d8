"""Tells people things, by e-mail (SMTP) and by POST to a webhook, and a monitor outside that all is well. Whatever
happens to a message, the caller goes on."""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, Protocol

import httpx
from attrs import field, frozen

from infra.settings import Settings

log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Message:
    """What is sent: a subject of one line, a text for people, and the same as JSON for programs. `id`, of letters,
    digits and hyphens, is what a mail is known by when it comes back; empty: the mail server makes one."""

    subject: str
    text: str
    content: Mapping[str, Any]
    id: str = ""


@frozen
class Delivery:
    """What became of a message: whether it was `taken`, and if not, the `answer` in a word or two and whether that is
    for good (`refused`), so that it need not be tried again soon. `unwanted`: it is refused for what it says, and not
    for where it goes or who sends it, so the next one may be taken there."""

    taken: bool
    answer: str = ""
    refused: bool = False
    unwanted: bool = False


class Channel(Protocol):
    """A way to tell people."""

    def send(self, message: Message, seconds: float) -> None:
        """Sends it, with at most `seconds` for each step; raises `OSError`, `SMTPException` or `HTTPError`."""


@frozen(kw_only=True)
class Mail:
    """E-mail to `to`, through the server at `host`. With `starttls` nothing is sent unless the server proves that it is
    that host, with a certificate this machine trusts."""

    host: str
    port: int
    starttls: bool
    user: str
    password: str = field(repr=False)
    sender: str
    to: tuple[str, ...]

    def send(self, message: Message, seconds: float) -> None:
        """See `Channel.send`."""
        mail = EmailMessage()
        # A line end in a subject would start another header, which `EmailMessage` refuses.
        mail["Subject"] = " ".join(message.subject.split())
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        if message.id:
            mail["Message-ID"] = f"<{message.id}@{parseaddr(self.sender)[1].rpartition('@')[2] or 'resultsday'}>"
        mail.set_content(message.text)
        with smtplib.SMTP(self.host, self.port, timeout=seconds) as server:
            if self.starttls:
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
            server.send_message(mail)


@frozen(kw_only=True)
class Webhook:
    """A POST of JSON to `url`, with `token` as a bearer token when there is one. No redirect is followed."""

    url: str = field(repr=False)
    token: str = field(repr=False)

    def send(self, message: Message, seconds: float) -> None:
        """See `Channel.send`."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        httpx.post(self.url, json=dict(message.content), headers=headers, timeout=seconds).raise_for_status()


def mail_to(settings: Settings, *addresses: str) -> Mail:
    """E-mail to these addresses, through the mail server of the settings."""
    return Mail(
        host=settings.alert_smtp_host,
        port=settings.alert_smtp_port,
        starttls=settings.alert_smtp_tls == "starttls",
        user=settings.alert_smtp_user,
        password=settings.alert_smtp_password,
        sender=settings.alert_mail_from,
        to=addresses,
    )


def channels(settings: Settings) -> tuple[Mail | Webhook, ...]:
    """The channels that the settings name. There may be none: alerts are then seen only in the log and in Airflow."""
    found: list[Mail | Webhook] = []
    if settings.alert_mail_to:
        found.append(mail_to(settings, *(address.strip() for address in settings.alert_mail_to.split(","))))
    if settings.alert_webhook:
        found.append(Webhook(url=settings.alert_webhook, token=settings.alert_webhook_token))
    return tuple(found)


def deliver(channel: Channel, message: Message, seconds: float) -> Delivery:
    """Sends a message by one channel, and waits at most so many seconds. Never raises. No address stands in what it
    returns."""
    came: list[Delivery] = []

    def tell() -> None:
        try:
            channel.send(message, seconds)
        except Exception as error:  # as in `send`
            came.append(_failed(error))
        else:
            came.append(Delivery(taken=True))

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    thread.join(seconds)
    return came[0] if came else Delivery(taken=False, answer=f"no answer within {seconds:.0f} seconds")


_LATER = (408, 425, 429)
"""What a webhook answers that can be asked again."""
_ELSEWHERE = (401, 403, 404, 405, 407, 410)
"""What a webhook answers, besides a redirect, to whatever it is sent: the address or the token is wrong."""


def _failed(error: Exception) -> Delivery:
    """What an error says: a mail server that does not take the address or the mail, and a webhook that does not take
    the request, refuse it; whatever else it is passes."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return Delivery(taken=False, answer=f"mail server: {codes[0]}", refused=min(codes) >= 500)
    if isinstance(error, smtplib.SMTPDataError):
        return Delivery(taken=False, answer=f"mail server: {error.smtp_code}", refused=error.smtp_code >= 500)
    if isinstance(error, httpx.HTTPStatusError):
        code = error.response.status_code
        refused = code < 500 and code not in _LATER
        unwanted = refused and code >= 400 and code not in _ELSEWHERE
        return Delivery(taken=False, answer=f"webhook: {code}", refused=refused, unwanted=unwanted)
    return Delivery(taken=False, answer=type(error).__name__)


def send(settings: Settings, message: Message) -> list[str]:
    """Sends a message by every channel at the same time, and waits at most `alert_seconds` of the settings. Never
    raises; returns the names of the channels that took it. The others are logged, without what they answered."""
    taken: list[str] = []

    def tell(channel: Mail | Webhook) -> None:
        name = type(channel).__name__
        try:
            channel.send(message, settings.alert_seconds)
        except Exception as error:  # a certificate, a proxy, an unknown host: whatever it is, the job goes on
            log.warning("the alert could not be sent by %s: %s", name, type(error).__name__)
        else:
            taken.append(name)

    # In threads that we need not wait for: a server that answers one byte at a time never exceeds the time limit of its
    # connection, and would hold up a job for hours.
    threads = [threading.Thread(target=tell, args=(channel,), daemon=True) for channel in channels(settings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(settings.alert_seconds)
    if any(thread.is_alive() for thread in threads):
        log.warning("an alert was not sent within %d seconds", settings.alert_seconds)
    return sorted(taken)


def all_is_well(settings: Settings) -> bool:
    """Tells the monitor outside that all is well, within `alert_seconds` of the settings; whether it was heard. False
    too when no monitor is set. Never raises."""
    if not settings.alive_url:
        return False
    heard: list[int] = []

    def tell() -> None:
        try:
            with httpx.Client(timeout=settings.alert_seconds) as client:
                heard.append(
                    client.post(settings.alive_url, json={"desk": "all is well"}).raise_for_status().status_code
                )
        except Exception as error:  # as above; and the address may be a secret, so it is not logged
            log.warning("the monitor outside was not told that all is well: %s", type(error).__name__)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    thread.join(settings.alert_seconds)
    return bool(heard)
