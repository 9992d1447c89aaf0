"""The connections of a login: the proxies and the certificates that the environment names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.urls import is_loopback, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""The variables that name trusted certificates. The first one that is set counts."""


def pool_for(
    url: str,
    environ: Mapping[str, str] | None,
) -> Any:
    """Return a pool of connections to the server of a URL, or to its proxy."""
    import urllib3

    trusted = {}
    if parse(url).scheme == "https":
        trusted = _certificates(environ)
    proxy = _proxy(url, environ)
    if proxy is None:
        return urllib3.PoolManager(**trusted)
    if proxy.lower().startswith("socks"):
        from urllib3.contrib.socks import SOCKSProxyManager

        return SOCKSProxyManager(proxy, **trusted)
    headers = _proxy_headers(proxy)
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **trusted)


def _proxy_headers(proxy: str) -> dict[str, str]:
    from urllib.parse import unquote

    import urllib3

    userinfo = urllib3.util.parse_url(proxy).auth
    if not userinfo:
        return {}
    headers = urllib3.make_headers(proxy_basic_auth=unquote(userinfo))
    return dict(headers)


def _certificates(environ: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the options by which a server is verified."""
    import os

    import certifi

    if environ is None:
        environ = os.environ
    named = filter(None, map(environ.get, _CERTIFICATES))
    path = next(named, certifi.where())
    kind = "ca_certs"
    if os.path.isdir(path):
        kind = "ca_cert_dir"
    return {
        "cert_reqs": "CERT_REQUIRED",
        kind: path,
    }


def _proxy(url: str, environ: Mapping[str, str] | None) -> str | None:
    """Return the proxy for a URL, or None; this machine needs none."""
    parsed = parse(url)
    if is_loopback(parsed.host):
        return None
    proxies = _proxies(f"{parsed.host}:{parsed.port}", environ)
    named = proxies.get(parsed.scheme) or proxies.get("all")
    if named and "://" not in named:
        return f"http://{named}"
    return named or None


def _proxies(
    netloc: str,
    environ: Mapping[str, str] | None,
) -> dict[str, str]:
    """Return the proxies for a host and port, by the scheme of the URL."""
    from urllib import request

    if environ is None and request.proxy_bypass(netloc):
        return {}
    if environ is None:
        return request.getproxies()
    proxies = {}
    for name, value in environ.items():
        scheme, _, suffix = name.lower().rpartition("_")
        if suffix == "proxy" and value:
            proxies[scheme] = value
    no_proxy = {"no": proxies.get("no", "")}
    if request.proxy_bypass_environment(netloc, no_proxy):  # type: ignore[attr-defined]
        return {}
    return proxies
