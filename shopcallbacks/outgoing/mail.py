"""E-mail, by the one SMTP server of the settings."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from ..config import SmtpServer
from .http import Trouble

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Letter:
    """One e-mail to one address."""

    to: str
    subject: str
    text: str
    name: str  # the same at every try
    made_at: datetime


class Mailer:
    """Safe to share between threads: each letter has a connection of its own."""

    def __init__(self, server: SmtpServer | None, sender: str) -> None:
        self.server, self._sender = server, sender

    def send(self, letter: Letter) -> str | None:
        """None once the server has taken it, else why not: half a sentence."""
        if self.server is None:
            return "no mail server is set up (SMTP_URL)"
        try:
            with self._connect(self.server) as line:
                line.send_message(self._write(letter))
        except smtplib.SMTPResponseException as error:
            return f"the mail server answered {error.smtp_code}"
        except smtplib.SMTPRecipientsRefused:
            return "the mail server refused the address"
        except ssl.SSLCertVerificationError:
            return str(Trouble.certificate)
        except smtplib.SMTPNotSupportedError:
            return "the mail server offers no TLS"
        except (OSError, smtplib.SMTPException):
            return "the mail server could not be reached"
        except UnicodeError:
            return "the user or password in SMTP_URL has a sign that mail servers can't be told"
        return None

    def _connect(self, server: SmtpServer) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if server.tls == "on":
            line: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
        else:
            line = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        try:
            if server.tls == "starttls":
                line.starttls(context=context)
            if server.user:
                line.login(server.user, server.password)
        except Exception:
            line.close()
            raise
        return line

    def _write(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, letter.to, letter.subject
        message["Date"] = format_datetime(letter.made_at)
        message["Message-ID"] = f"<{letter.name}@{self._sender.rpartition('@')[2].rstrip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message
