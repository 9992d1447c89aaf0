"""The registry of the next steps that ``check``, ``explain``, ``get`` and ``resolve`` print.

1. Only a ``Template`` makes a step, so that no step is missing here.
2. A user who follows a step gets another outcome. tests/cli/test_next_step.py follows each one.
"""

from __future__ import annotations

TEMPLATES: list[Template] = []
"""All templates, in the order of this file."""


class NextStep(str):
    """A sentence that a ``Template`` made, or an empty string if there is nothing to do."""

    __slots__ = ()


class Template:
    """A step with gaps."""

    def __init__(self, text: str) -> None:
        self.text = text
        TEMPLATES.append(self)

    def __call__(self, **words: str) -> NextStep:
        """Return the step with its gaps filled."""
        return NextStep(self.text.format(**words))

    def __repr__(self) -> str:
        return f"Template({self.text!r})"


NOTHING = NextStep()

# A login.
LOG_IN = Template("authshim auth login {key}{option} --username {username}   ({hint})")
LOG_IN_AT_ANACONDA = Template("authshim auth login anaconda.org{option}")
LOG_IN_AT_PREFIX_DEV = Template("authshim auth login prefix.dev{option}")
LOG_IN_AT_PREFIX_DEV_BY_TOKEN = Template("authshim auth login prefix.dev{option} --token{hint}")
LOG_IN_BY_OAUTH = Template("{command}{option}")
STORE_IN_KEYRING = Template("keyring set {url} {username}")
LOG_IN_OR_CORRECT_SECRET = Template(
    "{step}   (if {username} is itself the secret: write {quoted}:@ in the URL)"
)
SET_PASSWORD = Template("set {variable}, or: {step}")
CORRECT_URL_OR_LOG_IN = Template("correct the URL, or log in: {step}")

# A bucket.
LOG_IN_AT_BUCKET = Template(
    "authshim auth login s3://{bucket}{option} --s3-access-key-id ID   (it asks for the secret)"
)
DECLARE_BUCKET = Template(
    "add [workspace.s3-options.{name}] with endpoint-url, region and force-path-style to pixi.toml"
)

NAME_BUCKET = Template("ask for the bucket yourself: nothing that only a server named is signed")
CORRECT_REGION = Template("correct the region in {place}")
RENEW_AT_AWS = Template("log in again with a program of AWS, such as aws configure")
SET_CLOCK = Template("set the clock of this machine")
INSTALL_S3 = Template("pip install 'authshim[s3]'")
WRITE_BY_AWS = Template("write to the bucket with a program of AWS")

# The login of a vendor's program.
LOG_IN_AT_VENDOR = Template("{login}   (once before: pipx inject keyring {backend})")
NAME_USER_OF_VENDOR = Template("write {username}@ before {host} in the index URL, then: {login}")
NAME_USER_FOR_TOKEN = Template(
    "write {username}@ in place of the token before {host}, then: {login}"
)

# An obstacle.
UNLOCK_KEYCHAIN = Template("unlock the keychain, then try again")
MEND_LINE = Template("mend {file} line {line} first")
MEND_OBSTACLE = Template("mend this first: {obstacle}")

# A credential that is refused.
CORRECT_USERINFO = Template("correct the user:password@ in the URL")
ALLOW_LOGINS = Template("take out {policy}")
CORRECT_LOGIN = Template("correct the login in {place}")
SET_USERNAME = Template("set {variable}: the login in {place} has no username")
CORRECT_ENTRY = Template("correct the entry for {key} in {provider}")
CORRECT_TOKEN = Template("correct the token in the URL, or take it out and: {step}")
GET_SIGNED_URL = Template("get a new URL from where this one came from")
GET_URL_SIGNED_AGAIN = Template("run it again: the index signs a new URL")

# A permission.
ASK_OWNER = Template("ask its owner to let this user read it")
ASK_OWNER_AT_GOOGLE = Template(
    "let an owner run: gcloud artifacts repositories add-iam-policy-binding {repository} "
    "--project={project} --location={location} --member=user:EMAIL "
    "--role=roles/artifactregistry.reader"
)
ASK_OWNER_AT_AZURE = Template("ask an owner of the feed {feed} to make this user a Feed Reader")
ASK_OWNER_AT_AWS = Template(
    "ask an administrator for the permission codeartifact:ReadFromRepository on {repository}"
)
DESCRIBE_AT_AWS = Template(
    "aws codeartifact describe-repository --domain {domain} --domain-owner {account} "
    "--repository {repository} --region {region}"
)
ASK_OWNER_OR_LOG_IN = Template("{owner}, or {step}")

# A host that only a server named.
ALLOW_HTTP = Template("declare {origin} in the project, or ask whoever named it to use https")
ASK_ABOUT_HOST = Template("ask whoever runs {host} if {other}, which it names, needs a login")

# The project and pixi's configuration.
CORRECT_URL = Template("correct the URL")
CORRECT_URL_OR_ASK_OWNER = Template("correct the URL, or ask its owner to let this user read it")
CORRECT_URL_OR_ASK = Template("correct the URL, or ask whoever runs the index")
ASK_ABOUT_FILES = Template("ask whoever runs the index")
FILL_IN = Template("fill in {placeholder} in the {kind}'s URL")
CORRECT_MIRRORS = Template("correct [mirrors] in {file}")
CORRECT_FIND_LINKS = Template("correct the path in find-links")
CHECK = Template("authshim check")

# The network.
TRY_LATER = Template("try again later")
TRY_LATER_OR_CHECK_NETWORK = Template("try again later, or check the network or VPN")
TRY_LATER_OR_TELL_OWNER = Template("try again later, or tell the server's owner")
CHECK_NAME = Template("check the host name, and the network or VPN")
CHECK_PORT = Template("check the host and port, and the network or VPN")
CHECK_SCHEME = Template("check the port, and http or https")
CHECK_PROXY = Template("check {setting}")
CORRECT_URL_OR_PROXY = Template("correct the URL, HTTPS_PROXY or HTTP_PROXY")
LOG_IN_AT_PROXY = Template("write user:password@ into {setting}")
ADD_CA = Template("add your company's CA to {file}, which {variable} names")
NAME_CA = Template("set REQUESTS_CA_BUNDLE to {file}")
CORRECT_CA = Template("correct {variable}")

# A download.
RUN_AGAIN = Template("run it again")
RUN_AGAIN_OR_GET_URL = Template("run it again; if that fails too, get a new URL from the index")
NAME_OTHER_FILE = Template("name another file with -o, on another disk if this one is full")
