"""The OpenID provider that people may log in with (OIDC_* in the environment): the code flow, with PKCE.

What the provider says is believed where its signature, issuer, audience and nonce fit; Authlib compares them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, session
from joserfc.errors import JoseError
from werkzeug.wrappers import Response

from ..config import OpenId

TIMEOUT_S = 10.0

log = logging.getLogger(__name__)


class NotKnown(Exception):
    """The provider did not say who it is, or not so that it can be believed."""


@dataclass(frozen=True)
class Identity:
    """Who somebody is to the provider. `subject` never changes; `email` only where the provider has verified it."""

    subject: str
    email: str
    name: str


class Provider:
    def __init__(self, app: Flask, settings: OpenId) -> None:
        self.title, self._issuer = settings.title, settings.issuer
        self._client: Any = OAuth(app).register(
            "provider",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            server_metadata_url=f"{settings.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_S,
            },
        )

    def ask(self, back: str) -> Response:
        """To the provider, and from there to `back`; `NotKnown` where it can't be reached."""
        for name in [name for name in session if name.startswith("_state_")]:  # of what was begun and left
            del session[name]
        try:
            self._check_issuer()
            return self._client.authorize_redirect(back)  # type: ignore[no-any-return]
        except (OAuthError, OSError, RuntimeError, ValueError) as error:
            raise self._trouble(error) from None

    def answer(self) -> Identity:
        """Of the request with which the provider leads back; `NotKnown` where it can't be believed."""
        try:
            claims = self._client.authorize_access_token().get("userinfo") or {}
        except (OAuthError, JoseError, OSError, RuntimeError, ValueError, KeyError) as error:
            raise self._trouble(error) from None
        if not claims.get("sub"):
            raise NotKnown
        email = str(claims.get("email") or "").strip().lower() if claims.get("email_verified") is True else ""
        return Identity(f"{self._issuer} {claims['sub']}", email, str(claims.get("name") or "")[:200])

    def _check_issuer(self) -> None:
        found = str(self._client.load_server_metadata().get("issuer", "")).rstrip("/")
        if found != self._issuer:
            raise ValueError("It names another issuer than OIDC_ISSUER.")

    def _trouble(self, error: Exception) -> NotKnown:
        """What went wrong is for the log, without what was sent."""
        log.warning("Logging in with %s failed: %s", self.title, type(error).__name__)
        return NotKnown()
