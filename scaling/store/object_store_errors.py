"""Errors of object stores, in words that name the variable to change.

obstore reads its settings from environment variables. Its errors do not name them, and a malformed setting
makes it panic.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from scaling.errors import StoreError, shorten

_ENDPOINT = "AWS_ENDPOINT_URL"
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", _ENDPOINT, "AWS_ENDPOINT")
_METADATA_ENDPOINT = "AWS_METADATA_ENDPOINT"
"""Variable with the server of credentials, whose connection within a machine needs no encryption."""
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_TOKEN")
_PREFIXES = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}
"""First letters of the variables that obstore reads for a kind of store."""
_TRUE = ("1", "true", "on", "yes", "y")
"""Values with which obstore takes a variable as true."""
_KEY_HINT = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
_RIGHTS_HINT = "the credentials need the rights to list the bucket, and to get, put and delete its objects"
_NO_KEY_HINT = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; those of a profile come from:"
    ' eval "$(aws configure export-credentials --profile NAME --format env)"'
)
_HINTS = {
    "s3": f"check the URI, the network, and {_ENDPOINT} if the server is not that of AWS",
    "gs": "check the URI, the network and GOOGLE_APPLICATION_CREDENTIALS",
    "az": "check the URI, the network, AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


@dataclass(frozen=True)
class _Cause:
    """Cause of an error.

    Args:
        pattern: regular expression that the error's text matches.
        reason: what is wrong; {server} and {detail}, a group of the pattern, stand for their texts.
        hint: what the user can do; by default ``_default_hint``.
    """

    pattern: str
    reason: str
    hint: str | None = None


_CAUSES = (
    # The server of credentials on machines of a cloud is the last place where obstore looks for them.
    _Cause(
        r"/latest/(?:api/token|meta-data)|http://169\.254\.[\d.]+/v\d/",
        "no credentials, neither set nor from {server}",
        _NO_KEY_HINT,
    ),
    _Cause(r"/computeMetadata/|/metadata/identity", "no credentials, neither set nor from {server}"),
    _Cause(
        r"<Code>NoSuchBucket<", "{server} has no such bucket", "create it, or check its name and AWS_REGION"
    ),
    _Cause(
        r"<Code>AuthorizationHeaderMalformed<.*?<Region>(?P<detail>[\w-]+)",
        "the bucket is in the region {detail}",
        "set AWS_REGION={detail}",
    ),
    _Cause(
        r"configured region|<Code>(?:AuthorizationHeaderMalformed|PermanentRedirect)<",
        "the bucket is in another region",
        "set AWS_REGION to the region of the bucket",
    ),
    _Cause(
        r"<Code>(?P<detail>InvalidAccessKeyId|SignatureDoesNotMatch|\w*Token\w*)<",
        "{server} does not accept the credentials: {detail}",
        _KEY_HINT,
    ),
    _Cause(r"401 Unauthorized", "{server} does not accept the credentials", _KEY_HINT),
    _Cause(r"403 Forbidden", "{server} denies access", _RIGHTS_HINT),
    _Cause(
        r"501 Not Implemented",
        "{server} does not implement this request",
        "choose a server that supports PUT with If-None-Match, which claims need",
    ),
    _Cause(r"ETag Header missing|404 Not Found: (?!<\?xml)", "{server} does not answer as S3 does"),
    _Cause(
        r"InvalidContentType",
        "{server} does not speak TLS",
        f"write http:// in {_ENDPOINT}, and set AWS_ALLOW_HTTP=true to permit plain HTTP",
    ),
    _Cause(
        r"InvalidCertificate\(\s*(?P<detail>\w+)",
        "the certificate of {server} is not trusted: {detail}",
        "add its certificate authority to those of the system",
    ),
    _Cause(
        r'invalid path: [\w ]*Path "(?P<detail>.*?)"',
        "obstore cannot list a foreign object: {detail}",
        "rename or remove this object with another program",
    ),
    _Cause(r'HTTP error: .*(?:message|error): "(?P<detail>[^"]+)"', "{server} cannot be reached: {detail}"),
    _Cause(r"HTTP error: ", "{server} does not answer"),
    _Cause(r"<Message>(?P<detail>[^<]+)", "{server} refuses the request: {detail}"),
)


def check_settings(uri: str) -> None:
    """Check the environment variables of S3.

    Args:
        uri: URI of the store.

    Raises:
        StoreError: a variable is malformed, or names an endpoint that no other variable permits.
    """
    if not uri.startswith("s3://"):
        return
    for name in (*_ENDPOINTS, _METADATA_ENDPOINT, *_REGIONS, *_KEYS):
        value = os.environ.get(name, "unset")
        if not (value.isascii() and value.isprintable()) or " " in value or (not value and name not in _KEYS):
            raise StoreError(
                f"{uri}: the variable {name} is empty, or contains a space, a line break or a letter outside"
                " ASCII; set it again, or unset it"
            )
    for name in (*_ENDPOINTS, _METADATA_ENDPOINT):
        if name in os.environ:
            _check_endpoint(uri, name, os.environ[name])


def _check_endpoint(uri: str, name: str, endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        is_server = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_server = False
    if not is_server:
        raise StoreError(
            f"{uri}: {name}: expected the URL of a server, such as https://{shorten(endpoint)}, got"
            f" {shorten(endpoint)}"
        )
    if (
        name in _ENDPOINTS
        and parts.scheme == "http"
        and os.environ.get("AWS_ALLOW_HTTP", "").lower() not in _TRUE
    ):
        raise StoreError(
            f"{uri}: {name} is {shorten(endpoint)}, which is not encrypted; set AWS_ALLOW_HTTP=true to permit"
            " plain HTTP, or give an https:// URL"
        )


def is_temporary(error: Exception) -> bool:
    """Return whether the same request may succeed later: the server did not answer, or was busy or broken."""
    line = str(error).partition("\n")[0]
    is_status = re.search(r"status code: (?:408|429|5(?!01)\d\d)", line)
    return "HTTP error: " in line or bool(is_status)


def describe_error(error: Exception, uri: str) -> tuple[str, str]:
    """Return what is wrong, and what the user can do, each as a part of a line.

    Args:
        error: error of obstore.
        uri: URI of the store.
    """
    text, default_hint = str(error), _default_hint(str(error), uri.partition("://")[0])
    server = re.search(r"Error performing \w+ (https?://[^/]+)", text)
    for cause in _CAUSES:
        if match := re.search(cause.pattern, text, re.DOTALL):
            names = {"server": server[1] if server else "the server", **match.groupdict()}
            return shorten(cause.reason.format(**names)), (cause.hint or default_hint).format(**names)
    return shorten(text.partition("\n\nDebug source")[0]), default_hint


def _default_hint(text: str, scheme: str) -> str:
    """Return what the user can do about an error, with the names of all variables that may be wrong.

    Args:
        text: text of the error.
        scheme: kind of the store.
    """
    hint, checked = _HINTS.get(scheme, "check the URI"), (*_ENDPOINTS, *_REGIONS, *_KEYS)
    others = [
        name
        for name in sorted(os.environ)
        if scheme in _PREFIXES
        and name.startswith(_PREFIXES[scheme])
        and name not in (*checked, *hint.split())
    ]
    # obstore quotes the value that it cannot parse, without the name of its variable.
    malformed = [name for name in others if f'"{os.environ[name]}"' in text]
    if malformed and "Config error" in text:
        return f"set {' and '.join(malformed)} to another value, or unset it"
    return f"{hint}; other variables that are set: {shorten(', '.join(others))}" if others else hint
