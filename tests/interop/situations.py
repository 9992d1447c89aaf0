"""The table of the judge: the credentials that authshim and pixi send, and why they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interop.judge import Situation

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "http://h.example/c"
OVERRIDE = {"RATTLER_AUTH_FILE": "~/override.json"}


def home(entries: Mapping[str, object] | str) -> dict[str, object]:
    return {".rattler/credentials.json": entries}


def override(entries: Mapping[str, object] | str) -> dict[str, object]:
    return {"override.json": entries}


def netrc(text: str) -> dict[str, object]:
    return {".netrc": text}


def bearer(token: str) -> dict[str, object]:
    return {"BearerToken": token}


def conda(token: str) -> dict[str, object]:
    return {"CondaToken": token}


def basic(username: str, password: str) -> dict[str, object]:
    return {"BasicHTTP": {"username": username, "password": password}}


def s3() -> dict[str, object]:
    return {
        "S3Credentials": {"access_key_id": "id", "secret_access_key": "key", "session_token": None}
    }


def oauth(expires_at: int | None) -> dict[str, object]:
    return {
        "OAuth": {
            "access_token": "tok",
            "refresh_token": None,
            "expires_at": expires_at,
            "token_endpoint": "http://login.example/token",
            "revocation_endpoint": None,
            "client_id": "pixi",
        }
    }


TOK = bearer("tok")
ADA = "machine h.example login ada password pw\n"
NEVER = 4102444800  # the year 2100

# fmt: off
SAME = [
    # The five kinds
    Situation("a bearer token", URL, home({"h.example": TOK}), "Bearer tok"),
    Situation("a name and password", URL, home({"h.example": basic("ada", "pw")}), "Basic ada:pw"),
    Situation("a password in UTF-8", URL,
        home({"h.example": basic("ada", "pässwörd€")}), "Basic ada:pässwörd€"),
    Situation("an empty password", URL, home({"h.example": basic("ada", "")}), "Basic ada:"),
    Situation("a field that nobody knows", URL,
        home({"h.example": {"BasicHTTP": {"username": "ada", "password": "pw", "since": 1}}}),
        "Basic ada:pw"),
    Situation("a conda token", URL, home({"h.example": conda("tk")}), "/t/tk before the path"),
    Situation("a conda token, and /t/ is there", "http://h.example/t/old/c",
        home({"h.example": conda("tk")}), "/t/tk before the path"),
    Situation("a conda token with odd characters", URL,
        home({"h.example": conda("tk-1:a+b")}), "/t/tk-1:a+b before the path"),
    Situation("a conda token for a deep path", "http://h.example/a/b/c",
        home({"h.example": conda("tk")}), "/t/tk before the path"),
    Situation("an OAuth login without an end", URL, home({"h.example": oauth(None)}), "Bearer tok"),
    Situation("an OAuth login that is valid", URL, home({"h.example": oauth(NEVER)}), "Bearer tok"),
    Situation("S3 keys, for an http URL", URL, home({"h.example": s3()}), "nothing"),
    Situation("S3 keys, and a wildcard", URL,
        home({"h.example": s3(), "*.h.example": TOK}), "nothing"),
    # Hosts
    Situation("another host", "http://other.example/c", home({"h.example": TOK}), "nothing"),
    Situation("a port in the URL", "http://h.example:8080/c",
        home({"h.example": TOK}), "Bearer tok"),
    Situation("a URL in upper case", "http://H.Example/c", home({"h.example": TOK}), "Bearer tok"),
    Situation("an underscore", "http://my_host.example/c",
        home({"my_host.example": TOK}), "Bearer tok"),
    Situation("a Unicode host", "http://münchen.example/c",
        home({"xn--mnchen-3ya.example": TOK}), "Bearer tok"),
    Situation("a Unicode host in upper case", "http://MÜNCHEN.example/c",
        home({"xn--mnchen-3ya.example": TOK}), "Bearer tok"),
    Situation("a host in punycode", "http://xn--mnchen-3ya.example/c",
        home({"xn--mnchen-3ya.example": TOK}), "Bearer tok"),
    Situation("a host of one label", "http://localhost/c", home({"localhost": TOK}), "Bearer tok"),
    Situation("an IPv4 address", "http://192.0.2.1/c", home({"192.0.2.1": TOK}), "Bearer tok"),
    Situation("an IPv4 address has no wildcards", "http://192.0.2.1/c",
        home({"*.0.2.1": TOK, "*.192.0.2.1": TOK}), "nothing"),
    Situation("an IPv6 address", "http://[2001:db8::1]/c",
        home({"[2001:db8::1]": TOK}), "Bearer tok"),
    Situation("an IPv6 key without brackets", "http://[2001:db8::1]/c",
        home({"2001:db8::1": TOK}), "nothing"),
    Situation("a dot after the URL's host", "http://h.example./c",
        home({"h.example": TOK}), "nothing"),
    Situation("a dot after the key", URL, home({"h.example.": TOK}), "nothing"),
    Situation("a URL as a key", URL, home({"http://h.example": TOK}), "nothing"),
    # Wildcards
    Situation("a wildcard", "http://a.h.example/c", home({"*.h.example": TOK}), "Bearer tok"),
    Situation("a wildcard over several labels", "http://a.b.h.example/c",
        home({"*.h.example": TOK}), "Bearer tok"),
    Situation("a wildcard is for its own host too", URL, home({"*.h.example": TOK}), "Bearer tok"),
    Situation("a wildcard for a top-level domain", "http://h.com/c",
        home({"*.com": TOK}), "Bearer tok"),
    Situation("a wildcard for one label", "http://localhost/c",
        home({"*.localhost": TOK}), "Bearer tok"),
    Situation("a lone star", URL, home({"*": TOK}), "nothing"),
    Situation("a wildcard ends at a label", "http://evilh.example/c",
        home({"*.h.example": TOK}), "nothing"),
    Situation("the nearest wildcard", "http://a.b.example/c",
        home({"*.example": bearer("far"), "*.b.example": TOK}), "Bearer tok"),
    Situation("the host before a wildcard", URL,
        home({"*.h.example": bearer("far"), "h.example": TOK}), "Bearer tok"),
    # Files, and who comes first
    Situation("nothing is kept", URL, {}, "nothing"),
    Situation("RATTLER_AUTH_FILE", URL, override({"h.example": TOK}), "Bearer tok", OVERRIDE),
    Situation("RATTLER_AUTH_FILE before the home", URL,
        override({"h.example": TOK}) | home({"h.example": bearer("home")}), "Bearer tok", OVERRIDE),
    Situation("RATTLER_AUTH_FILE before netrc", URL,
        override({"h.example": TOK}) | netrc(ADA), "Bearer tok", OVERRIDE),
    Situation("the home before netrc", URL, home({"h.example": TOK}) | netrc(ADA), "Bearer tok"),
    Situation("the key comes before the file", URL,
        home({"*.example": TOK}) | netrc(ADA), "Basic ada:pw"),
    Situation("the key comes before the file, in mode first", URL,
        override({"*.example": bearer("far")}) | home({"h.example": TOK}),
        "Bearer tok", OVERRIDE | {"AUTHSHIM_AUTH_FILE_MODE": "first"}),
    Situation("a host that is there twice", URL,
        home('{"h.example": {"BearerToken": "old"}, "h.example": {"BearerToken": "tok"}}'),
        "Bearer tok"),
    # The URL's own name and password
    Situation("the URL before the store", "http://ada:pw@h.example/c",
        home({"h.example": TOK}), "Basic ada:pw"),
    Situation("an empty password in the URL", "http://ada:@h.example/c",
        home({"h.example": TOK}), "Basic ada:"),
    Situation("a password without a name in the URL", "http://:pw@h.example/c",
        home({"h.example": TOK}), "Basic :pw"),
    Situation("percent-escapes are undone once", "http://ada%40x:p%3a%2Fw%25@h.example/c",
        {}, "Basic ada@x:p:/w%"),
    Situation("escaped UTF-8 in the URL", "http://ada:%C3%A4%E2%82%AC@h.example/c",
        {}, "Basic ada:ä€"),
    Situation("a plus is a plus", "http://ada+x:p+w@h.example/c", {}, "Basic ada+x:p+w"),
    # netrc
    Situation("netrc", URL, netrc(ADA), "Basic ada:pw"),
    Situation("netrc over several lines", URL,
        netrc("machine h.example\n\tlogin ada\n\tpassword pw\n"), "Basic ada:pw"),
    Situation("netrc for any port", "http://h.example:81/c", netrc(ADA), "Basic ada:pw"),
    Situation("netrc for an IPv6 address", "http://[2001:db8::1]/c",
        netrc("machine [2001:db8::1] login ada password pw\n"), "Basic ada:pw"),
    Situation("netrc: the last of two", URL,
        netrc("machine h.example login old password old\n" + ADA), "Basic ada:pw"),
    Situation("netrc without a login", URL, netrc("machine h.example password pw\n"), "Basic :pw"),
    Situation("netrc without a password", URL,
        netrc("machine h.example login ada\n"), "Basic ada:"),
    Situation("netrc with an account", URL,
        netrc("machine h.example login ada account x password pw\n"), "Basic ada:pw"),
    Situation("netrc with a macro", URL, netrc("macdef init\ncd /x\n\n" + ADA), "Basic ada:pw"),
    Situation("netrc: a password in UTF-8", URL,
        netrc("machine h.example login ada password pä€\n"), "Basic ada:pä€"),
    Situation("netrc: # in a password", URL,
        netrc("machine h.example login ada password b#c\n"), "Basic ada:b#c"),
    Situation("netrc: # before a password", URL,
        netrc("machine h.example login ada password #c\n"), "Basic ada:#c"),
    Situation("netrc: a machine before the default", URL,
        netrc(ADA + "default login x password y\n"), "Basic ada:pw"),
    Situation("netrc: a machine that is a comment", URL,
        netrc("\n# machine h.example login x password y\n"), "nothing"),
    Situation("netrc: the default goes nowhere unasked", URL,
        netrc("default login x password y\n"), "nothing"),
    Situation("NETRC", URL, {"mine": ADA}, "Basic ada:pw", {"NETRC": "~/mine"}),
    Situation("NETRC that is not there has no fallback", URL,
        netrc(ADA), "nothing", {"NETRC": "~/nowhere"}),
]

DIFFERENT = {
    "an override file is the only provider, as pixi's page says; pixi asks the others after it": [
        Situation("RATTLER_AUTH_FILE has it not, netrc has", URL,
            override({}) | netrc(ADA), "nothing", OVERRIDE, pixi="Basic ada:pw"),
        Situation("RATTLER_AUTH_FILE has it not, the home has", URL,
            override({}) | home({"h.example": TOK}), "nothing", OVERRIDE, pixi="Bearer tok"),
        Situation("RATTLER_AUTH_FILE has a wildcard, the home the host", URL,
            override({"*.example": TOK}) | home({"h.example": bearer("home")}),
            "Bearer tok", OVERRIDE, pixi="Bearer home"),
        Situation("RATTLER_AUTH_FILE names no file", URL,
            home({"h.example": TOK}), "nothing", OVERRIDE, pixi="Bearer tok"),
    ],
    "here one bad entry or mark costs that entry; pixi refuses the file, and every request": [
        Situation("RATTLER_AUTH_FILE is broken", URL,
            override("{") | home({"h.example": TOK}), "nothing", OVERRIDE, pixi="no request"),
        Situation("a kind that nobody knows, for another host", URL,
            home({"x.example": {"Kerberos": "x"}, "h.example": TOK}),
            "Bearer tok", pixi="no request"),
        Situation("a byte order mark", URL,
            home('\ufeff{"h.example": {"BearerToken": "tok"}}'), "Bearer tok", pixi="no request"),
        Situation("a file that breaks off", URL,
            home('{"h.example":') | netrc(ADA), "Basic ada:pw", pixi="no request"),
        Situation("an empty file", URL, home("") | netrc(ADA), "Basic ada:pw", pixi="no request"),
        Situation("a token with a line break", URL,
            home({"h.example": bearer("a\r\nX: y")}), "nothing", pixi="no request"),
    ],
    "username@ asks for that user's password (by the keyring command); "
    "pixi sends the name and an empty one": [
        Situation("a name in the URL, a token in the store", "http://ada@h.example/c",
            home({"h.example": TOK}), "Bearer tok", pixi="Basic ada:"),
        Situation("a name in the URL, her password in netrc", "http://ada@h.example/c",
            netrc(ADA), "Basic ada:pw", pixi="Basic ada:"),
        Situation("a name in the URL, another's password in netrc", "http://bob@h.example/c",
            netrc(ADA), "nothing", pixi="Basic bob:"),
    ],
    "keys with a port or a path are read here": [
        Situation("a key with a port", "http://h.example:8080/c",
            home({"h.example:8080": TOK}), "Bearer tok", pixi="nothing"),
        Situation("a key with a port before the host", "http://h.example:8080/c",
            home({"h.example": bearer("far"), "h.example:8080": TOK}),
            "Bearer tok", pixi="Bearer far"),
        Situation("a key with a path", URL,
            home({"h.example/c": TOK}), "Bearer tok", pixi="nothing"),
        Situation("netrc with a port", "http://h.example:81/c",
            netrc("machine h.example:81 login ada password pw\n"), "Basic ada:pw", pixi="nothing"),
    ],
    "a key is read as a host is: in any case, and in Unicode": [
        Situation("a key in upper case", URL,
            home({"H.Example": TOK}), "Bearer tok", pixi="nothing"),
        Situation("a key in Unicode", "http://münchen.example/c",
            home({"münchen.example": TOK}), "Bearer tok", pixi="nothing"),
        Situation("netrc in upper case", URL,
            netrc(ADA.replace("h.example", "H.Example")), "Basic ada:pw", pixi="nothing"),
    ],
    "an empty token is no credential": [
        Situation("an empty token", URL,
            home({"h.example": bearer("")}), "nothing", pixi="Bearer "),
    ],
    "a quote, a comment or a mark costs pixi the whole of netrc": [
        Situation("netrc with quotes", URL,
            netrc('machine h.example login ada password "p w"\n'), "Basic ada:p w", pixi="nothing"),
        Situation("netrc with a comment", URL,
            netrc("# mine\n" + ADA), "Basic ada:pw", pixi="nothing"),
        Situation("netrc with a comment after a password", URL,
            netrc("machine h.example login ada password pw # mine\n"),
            "Basic ada:pw", pixi="nothing"),
        Situation("netrc with a byte order mark", URL,
            netrc("\ufeff" + ADA), "Basic ada:pw", pixi="nothing"),
    ],
    "netrc knows hosts, and no wildcards": [
        Situation("netrc with a wildcard", URL,
            netrc("machine *.example login ada password pw\n"), "nothing", pixi="Basic ada:pw"),
    ],
    "an expired login is not here, and the chain goes on; pixi stops": [
        Situation("an OAuth login that has expired", URL,
            home({"h.example": oauth(1), "*.h.example": TOK}), "Bearer tok", pixi="nothing"),
    ],
    "the host is read as urllib3 dials it, which leaves this form as it is": [
        Situation("an IPv4 address in another form", "http://127.1/c",
            home({"127.0.0.1": TOK}), "nothing", pixi="Bearer tok"),
    ],
}

KEYCHAIN = {
    "token.example": TOK,
    "*.wild.example": TOK,
    "login.example": basic("ada", "pässwörd€"),
    "conda.example": conda("tk"),
    "oauth.example": oauth(NEVER),
    "s3.example": s3(),
}
"""What the OS keychain holds in the situations below."""

HOST = "http://token.example/c"
LOWER = {"token.example": bearer("lower")}
IN_KEYCHAIN = [
    Situation("a bearer token in the keychain", HOST, {}, "Bearer tok"),
    Situation("a name and password in the keychain", "http://login.example/c",
        {}, "Basic ada:pässwörd€"),
    Situation("a conda token in the keychain", "http://conda.example/c",
        {}, "/t/tk before the path"),
    Situation("an OAuth login in the keychain", "http://oauth.example/c", {}, "Bearer tok"),
    Situation("S3 keys in the keychain", "http://s3.example/c", {}, "nothing"),
    Situation("a wildcard in the keychain", "http://a.b.wild.example/c", {}, "Bearer tok"),
    Situation("a host that the keychain has not", "http://other.example/c", {}, "nothing"),
    Situation("the keychain before the home", HOST, home(LOWER), "Bearer tok"),
    Situation("the keychain before netrc", HOST,
        netrc(ADA.replace("h.example", "token.example")), "Bearer tok"),
    Situation("the host in netrc before a wildcard in the keychain", "http://a.wild.example/c",
        netrc(ADA.replace("h.example", "a.wild.example")), "Basic ada:pw"),
    Situation("RATTLER_AUTH_FILE before the keychain", HOST,
        override(LOWER), "Bearer lower", OVERRIDE),
    # An override file is the only provider.
    Situation("RATTLER_AUTH_FILE has it not, the keychain has", HOST,
        override({}), "nothing", OVERRIDE, pixi="Bearer tok"),
]
# fmt: on
