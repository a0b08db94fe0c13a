"""E-mail: it arrives, and what can't be sent is half a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shopcallbacks.config import SmtpServer
from shopcallbacks.outgoing.mail import Letter, Mailer

from ..receiver import MailBox, mail_server

MADE_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
LETTER = Letter("dana@shop.example", "[Töys] 2 callbacks", "Zwei für dich.\n.\nEnde", "alert_1", MADE_AT)


@pytest.fixture
def box() -> Iterator[MailBox]:
    with mail_server() as found:
        yield found


def test_a_letter_arrives_as_it_was_written(box: MailBox) -> None:
    assert Mailer(SmtpServer.read(box.url), "alerts@shop.example").send(LETTER) is None
    letter = box.letters[0]
    assert (letter["To"], letter["From"], letter["Subject"]) == (LETTER.to, "alerts@shop.example", LETTER.subject)
    assert letter.get_content().splitlines() == LETTER.text.splitlines()
    assert letter["Date"].datetime == MADE_AT
    assert letter["Message-ID"] == "<alert_1@shop.example>"


def test_without_a_server_it_is_said_so() -> None:
    assert "SMTP_URL" in (Mailer(None, "a@shop.example").send(LETTER) or "")


def test_an_address_that_is_refused_is_said_so(box: MailBox) -> None:
    box.refuses = b"550 no such user"
    assert Mailer(SmtpServer.read(box.url), "a@shop.example").send(LETTER) == "the mail server refused the address"


def test_a_server_without_tls_gets_nothing_where_tls_is_wanted(box: MailBox) -> None:
    url = box.url.replace("?tls=off", "")
    assert Mailer(SmtpServer.read(url), "a@shop.example").send(LETTER) == "the mail server offers no TLS"
    assert box.letters == []


def test_a_server_that_is_away_is_said_so() -> None:
    away = SmtpServer("127.0.0.1", 1, tls="off")
    assert Mailer(away, "a@shop.example").send(LETTER) == "the mail server could not be reached"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://u%40x:p%3Aw@mail.example:2525", SmtpServer("mail.example", 2525, "u@x", "p:w", "starttls")),
        ("smtp://mail.example", SmtpServer("mail.example", 587)),
        ("smtps://mail.example", SmtpServer("mail.example", 465, tls="on")),
        ("smtp://localhost:25?tls=off", SmtpServer("localhost", 25, tls="off")),
    ],
)
def test_the_setting_is_read(url: str, expected: SmtpServer) -> None:
    assert SmtpServer.read(url) == expected
    assert "p:w" not in repr(SmtpServer.read(url))


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://u:p@mail.example?tls=off"])
def test_a_bad_setting_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be smtp://"):
        SmtpServer.read(url)
