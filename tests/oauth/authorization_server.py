"""An authorization server, a user and a browser, played on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import urllib.request
from typing import TYPE_CHECKING, Any, Callable
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit

from servers import Answer

if TYPE_CHECKING:
    import pytest
    from servers import Recorder, Seen

ACCESS, REFRESH = "s3cret-access", "s3cret-refresh"
DEVICE_CODE = "s3cret-device"
CODE = "s3cret-code"

PENDING = "authorization_pending"


def says(data: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(data).encode(), {"Content-Type": "application/json"})


def refuses(code: str, status: int = 400) -> Answer:
    return says({"error": code, "error_description": f"{DEVICE_CODE} {CODE}"}, status)


def form_of(seen: Seen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}


def jwt(**claims: object) -> str:
    """Return an ID token without a signature that anybody would accept."""
    parts = ({"alg": "none"}, claims)
    written = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    ]
    return ".".join((*written, "s3cret-signature"))


class AuthorizationServer:
    """A server that gives a token for one device code, and for one code with its verifier."""

    def __init__(self, recorder: Recorder, issuer: str | None = None) -> None:
        self.recorder = recorder
        self.issuer = issuer or recorder.url
        self.document: dict[str, Any] = {
            "issuer": self.issuer,
            "token_endpoint": f"{self.issuer}/token",
            "authorization_endpoint": f"{self.issuer}/auth",
            "device_authorization_endpoint": f"{self.issuer}/device",
            "revocation_endpoint": f"{self.issuer}/revoke",
        }
        self.device: dict[str, Any] = {
            "device_code": DEVICE_CODE,
            "user_code": "ABCD-EFGH",
            "verification_uri": f"{self.issuer}/activate",
            "verification_uri_complete": f"{self.issuer}/activate?user_code=ABCD-EFGH",
            "expires_in": 600,
            "interval": 1,
        }
        self.tokens: dict[str, Any] = {
            "access_token": ACCESS,
            "refresh_token": REFRESH,
            "expires_in": 3600,
            "token_type": "Bearer",
        }
        self.challenge = ""
        self.nonce = ""
        path = urlsplit(self.issuer).path
        recorder.on(f"{path}/.well-known/openid-configuration", lambda _: says(self.document))
        recorder.on(f"{path}/device", lambda _: says(self.device))
        recorder.on(f"{path}/token", self.give_tokens)

    def poll_quickly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a client of this server ask again after some milliseconds, not seconds."""
        self.device["interval"] = 0.01
        monkeypatch.setattr("authshim.oauth.device_code.MIN_INTERVAL_SECONDS", 0.01)

    def give_tokens(self, seen: Seen) -> Answer:
        form = form_of(seen)
        if form["grant_type"] == "authorization_code":
            verifier = form.get("code_verifier", "").encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest())
            if form["code"] != CODE or digest.decode().rstrip("=") != self.challenge:
                return refuses("invalid_grant")
        elif form["device_code"] != DEVICE_CODE:
            return refuses("invalid_grant")
        return says(self.tokens)

    def asked(self, path: str) -> list[dict[str, str]]:
        """Return the forms that came to a path."""
        return [form_of(seen) for seen in self.recorder.seen if seen.path == path]


class User:
    """A user who notes what is shown, and whose browser comes back with what a test says."""

    def __init__(self, server: AuthorizationServer | None = None) -> None:
        self.server = server
        self.codes: list[tuple[str, str, str]] = []
        self.pages: list[str] = []
        self.left: list[float] = []
        self.answered: list[tuple[int, str]] = []
        self.answers: dict[str, str] = {"code": CODE}
        self.browser: Callable[[str], bool] = self.come_back
        self._threads: list[threading.Thread] = []

    def show_code(self, url: str, user_code: str, complete_url: str) -> None:
        self.codes.append((url, user_code, complete_url))

    def show_page(self, url: str) -> None:
        self.pages.append(url)

    def open_browser(self, url: str) -> bool:
        return self.browser(url)

    def tick(self, seconds: float) -> None:
        self.left.append(seconds)

    def come_back(self, url: str) -> bool:
        """Go to the redirect URI of an authorization URL, with its state."""
        query = self.query_of(url)
        if self.server is not None:
            self.server.challenge = query["code_challenge"]
            self.server.nonce = query["nonce"]
        fields = urlencode({"state": query["state"], **self.answers})
        self.visit(f"{query['redirect_uri']}?{fields}")
        return True

    def visit(self, url: str) -> None:
        """Go to a URL in a browser, which is another process: nobody waits for it."""
        thread = threading.Thread(target=self._get, args=(url,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _get(self, url: str) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=60) as answer:
                self.answered.append((answer.status, answer.read().decode()))
        except HTTPError as error:
            self.answered.append((error.code, ""))
            error.close()

    @staticmethod
    def query_of(url: str) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
