"""The proxies and the trusted certificates for the sessions of the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authshim.secret import Secret

_OF_REQUESTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_OF_OPENSSL = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class Certificates(NamedTuple):
    """The file or folder of trusted certificates. Without a path those of certifi count."""

    path: str = ""
    named_by: str = ""
    """The variable."""
    unread: str = ""
    """Another variable, which requests does not read."""
    unread_path: str = ""

    @property
    def remark(self) -> str:
        """A sentence about a variable that requests does not read, or an empty string."""
        if self.unread:
            return f"{self.unread} is set, but requests reads REQUESTS_CA_BUNDLE"
        if self.named_by in _OF_OPENSSL:
            return f"{self.named_by} is read here, but requests reads REQUESTS_CA_BUNDLE"
        return ""


def read_certificates(known: Mapping[str, str]) -> Certificates:
    """Return the certificates that the variables name. Those of requests override the others."""
    read = _first_set(known, (*_OF_REQUESTS, *_OF_OPENSSL))
    unread = _first_set(known, (*_OF_OPENSSL, "PIP_CERT"))
    if read in _OF_OPENSSL:
        unread = ""
    return Certificates(
        path=known.get(read, ""),
        named_by=read,
        unread=unread,
        unread_path=known.get(unread, ""),
    )


def _first_set(
    known: Mapping[str, str],
    variables: Iterable[str],
) -> str:
    """Return the first of some variables that is set, or an empty string."""
    for variable in variables:
        if variable in known:
            return variable
    return ""


class Proxies(NamedTuple):
    """The table ``proxy-config``. Its URLs may hold a password."""

    http: Secret | None
    https: Secret | None
    bypassed: tuple[str, ...]
    file: str

    def of(self, scheme: str) -> str:
        """Return the proxy for a scheme, or an empty string."""
        proxy = None
        if scheme == "http":
            proxy = self.http
        if scheme == "https":
            proxy = self.https
        if proxy is None:
            return ""
        return proxy.text

    def find(self, scheme: str, host: str) -> str:
        """Return the proxy for a host, or an empty string."""
        if self.bypasses(host):
            return ""
        return self.of(scheme)

    def bypasses(self, host: str) -> bool:
        """Tell if ``non-proxy-hosts`` has a host, by the rules of reqwest's ``NoProxy``.

        A domain is for its subdomains too, with a dot in front or without. An address may be a
        network. A lone ``*`` is for all hosts.
        """
        # One entry may hold several hosts.
        parts = ",".join(self.bypassed).split(",")
        entries = [part.strip() for part in parts]
        address = host.strip("[]")
        if _is_address(address):
            return any(_has_address(entry, address) for entry in entries)
        name = host.lower()
        return any(_has_name(entry.lower(), name) for entry in entries)


def _is_address(text: str) -> bool:
    # Importing it takes 2 ms, and only a list of bypassed hosts needs it.
    from ipaddress import ip_address

    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _has_address(entry: str, address: str) -> bool:
    """Tell if an address is an entry, or in the network of an entry. A ``*`` has no address."""
    from ipaddress import ip_address, ip_network

    try:
        network = ip_network(entry, strict=False)
        return ip_address(address) in network
    except ValueError:
        return False


def _has_name(entry: str, host: str) -> bool:
    """Tell if a host is the domain of an entry, or below it."""
    domain = entry.removeprefix(".")
    if not domain:
        return False
    return entry == "*" or f".{host}".endswith(f".{domain}")
