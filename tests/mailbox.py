"""A real mail server and a real webhook on loopback, that keep what they are sent."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.host import LOCALHOST, free_port
from tests.patience import until

USER, PASSWORD = "desk", "correct horse"


@define
class Mailbox:
    """What a mail server has taken. `refuses`: addresses that it does not know."""

    port: int
    mails: list[EmailMessage] = field(factory=list)
    encrypted: list[bool] = field(factory=list)
    refuses: set[str] = field(factory=set)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Called by the server with each address."""
        if address in self.refuses:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Called by the server with a whole mail."""
        assert isinstance(envelope.content, bytes)
        self.encrypted.append(session.ssl is not None)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 kept"

    def wait_for(self, words: str) -> str:
        """The text of the first mail with these words in it."""

        def texts() -> list[str]:
            return [str(one.get_content()) for one in self.mails]

        return until(
            lambda: next((one for one in texts() if words in one), None),
            lambda: f"{words!r} in none of {len(self.mails)} mails: {texts()}",
        )


@contextmanager
def mail_server(certificate: Path | None = None) -> Iterator[Mailbox]:
    """A running server. With a certificate (and its key in the same file) it takes mail after STARTTLS and a log-in
    only."""
    box = Mailbox(free_port())
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def known(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        return AuthResult(success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()))

    controller = Controller(
        box, hostname=LOCALHOST, port=box.port, tls_context=context, require_starttls=bool(context),
        auth_required=bool(context), authenticator=known,
    )  # fmt: skip
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def certificate(folder: Path) -> Path:
    """A certificate for loopback that signs itself, and its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(LOCALHOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    file = folder / "loopback.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@define
class Hook:
    """What a webhook has taken: headers and bodies. `answer`: the status it answers with; `refused`: the status for a
    body that it refuses, or 0."""

    url: str
    answer: int = 204
    refused: Callable[[dict[str, Any]], int] = lambda body: 0
    taken: list[tuple[dict[str, str], dict[str, Any]]] = field(factory=list)


@contextmanager
def webhook(certificate: Path | None = None) -> Iterator[Hook]:
    """A running listener; with a certificate (and its key in the same file) by HTTPS."""
    hook = Hook("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.taken.append((dict(self.headers), json.loads(body)))
            self.send_response(hook.refused(hook.taken[-1][1]) or hook.answer)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer((LOCALHOST, 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    hook.url = f"http{'s' if certificate else ''}://{LOCALHOST}:{server.server_port}/alerts"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
