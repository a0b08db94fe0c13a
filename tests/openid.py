"""A real OpenID provider on this machine: discovery, keys, the code flow with PKCE, as Authlib's own server has them.

Whoever comes is logged in there as `Provider.person`; nothing is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, jsonify
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT_ID, CLIENT_SECRET = "shopcallbacks", "a secret between the two"


@dataclass
class Person:
    """Who is logged in at the provider."""

    sub: str
    email: str
    email_verified: bool = True
    name: str = ""

    def get_user_id(self) -> str:
        return self.sub


@dataclass
class Provider:
    """`signs_with`: the key of its tokens; `publishes`: the one that it says it signs with."""

    issuer: str = ""
    person: Person | None = None
    redirect: str = ""
    signs_with: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    publishes: RSAKey | None = None
    claims: dict[str, Any] = field(default_factory=dict)  # instead of what it would say
    codes: dict[str, Code] = field(default_factory=dict)


@dataclass
class Client(ClientMixin):  # type: ignore[misc]
    redirect: str

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.redirect

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, uri: str) -> bool:
        return uri == self.redirect

    def check_client_secret(self, secret: str) -> bool:
        return secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, kind: str) -> bool:
        return kind == "code"

    def check_grant_type(self, kind: str) -> bool:
        return kind == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    code: str
    person: Person
    redirect: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    acr = amr = auth_time = None

    def get_redirect_uri(self) -> str:
        return self.redirect

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> None:
        return None

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


def _app(provider: Provider) -> Flask:
    app = Flask("openid")
    server = AuthorizationServer(app, lambda _: Client(provider.redirect), lambda token, request: None)

    class Codes(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, request: Any) -> None:
            sent = request.payload.data
            provider.codes[code] = Code(
                code,
                request.user,
                request.payload.redirect_uri,
                request.payload.scope,
                sent.get("nonce", ""),
                sent.get("code_challenge", ""),
                sent.get("code_challenge_method", ""),
            )

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> Person:
            return authorization_code.person

    class Claims(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return any(code.nonce == nonce for code in provider.codes.values())

        def resolve_client_private_key(self, client: Client) -> RSAKey:
            return provider.signs_with

        def get_client_algorithm(self, client: Client) -> str:
            return "RS256"

        def get_client_claims(self, client: Client) -> dict[str, Any]:
            return {"iss": provider.issuer, "aud": [CLIENT_ID]}

        def get_encode_header(self, client: Client) -> dict[str, Any]:
            return {"alg": "RS256", "kid": "one"}

        def generate_user_info(self, user: Person, scope: str) -> UserInfo:
            return UserInfo({**vars(user), **provider.claims})

    server.register_grant(Codes, [Claims(require_nonce=True), CodeChallenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        return jsonify(
            issuer=provider.issuer,
            authorization_endpoint=f"{provider.issuer}/authorize",
            token_endpoint=f"{provider.issuer}/token",
            jwks_uri=f"{provider.issuer}/keys",
            response_types_supported=["code"],
            id_token_signing_alg_values_supported=["RS256"],
        )

    @app.get("/keys")
    def keys() -> Response:
        key = provider.publishes or provider.signs_with
        return jsonify(keys=[key.as_dict(private=False, kid="one", use="sig", alg="RS256")])

    @app.get("/authorize")
    def authorize() -> Any:
        grant = server.get_consent_grant(end_user=provider.person)
        return server.create_authorization_response(grant_user=provider.person, grant=grant)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    return app


@contextmanager
def openid_provider(redirect: str) -> Iterator[Provider]:
    """Running; it sends whoever comes back to `redirect`."""
    provider = Provider(redirect=redirect)
    running = make_server("127.0.0.1", 0, _app(provider), threaded=True)
    provider.issuer = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        running.shutdown()
        thread.join()
        running.server_close()
