"""Object stores that refuse, fail or do not answer: each error names the store and what to change."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest

from scaling import interruption
from scaling.errors import StoreError
from scaling.store import object_store, open_store
from tests.s3_server import s3_environment

Reply = tuple[int, str] | None
"""Status and body; None closes the connection without a reply."""
OK: Reply = (200, "")


def refusal(code: str, *, more: str = "") -> str:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>No.</Message>{more}</Error>'


@dataclass
class Server:
    """A server that gives planned replies."""

    url: str = ""
    replies: Iterator[Reply] = field(default_factory=lambda: iter([]))
    requests: int = 0
    before_reply: Callable[[], object] = lambda: None

    def environment(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Set the environment variables for this server, and return the URI of a store."""
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in s3_environment(self.url).items():
            monkeypatch.setenv(name, value)
        return f"s3://bucket/{uuid4().hex}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(object_store, "_RETRIES", {"max_retries": 0})
    monkeypatch.setattr(object_store, "_FIRST_PATIENCE_S", -1.0)
    monkeypatch.setattr(object_store, "_PAUSE_S", 0.0)
    planned = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            planned.requests += 1
            planned.before_reply()
            reply = next(planned.replies)
            if reply is None:
                return
            status, body = reply
            self.send_response(status)
            self.send_header("ETag", '"x"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode() if self.command != "HEAD" else b"")

        do_GET = do_HEAD = do_POST = do_PUT

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        planned.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield planned
        http.shutdown()
        thread.join()


REFUSALS = {
    "no bucket": ((404, refusal("NoSuchBucket")), "has no such bucket.*create it"),
    "access denied": ((403, refusal("AccessDenied")), "denies access.*rights to list the bucket"),
    "unknown key": ((403, refusal("InvalidAccessKeyId")), "InvalidAccessKeyId.*check AWS_ACCESS_KEY_ID"),
    "wrong secret": ((403, refusal("SignatureDoesNotMatch")), "credentials.*AWS_SECRET_ACCESS_KEY"),
    "expired token": ((400, refusal("ExpiredToken")), "ExpiredToken.*AWS_SESSION_TOKEN"),
    "no valid key": ((401, ""), "does not accept the credentials.*AWS_ACCESS_KEY_ID"),
    "redirection": ((301, refusal("PermanentRedirect")), "another region.*set AWS_REGION to"),
    "region": (
        (400, refusal("AuthorizationHeaderMalformed", more="<Region>eu-north-1</Region>")),
        "in the region eu-north-1.*set AWS_REGION=eu-north-1",
    ),
    "not S3": ((404, "<html></html>"), "does not answer as S3 does.*check the URI.*AWS_ENDPOINT_URL"),
    "other": ((409, refusal("Unheard")), "refuses the request: No.*check the URI"),
    "foreign name": (
        (
            200,
            '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents>'
            "<Key>probes/a&#10;b</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><Size>1</Size>"
            "</Contents></ListBucketResult>",
        ),
        r"cannot list a foreign object: probes/a\\nb.*rename or remove this object with another program",
    ),
    "busy": ((503, refusal("SlowDown")), "refuses the request: No"),
    "silent": (None, "does not answer.*check the URI, the network, and AWS_ENDPOINT_URL"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_of_the_server_names_what_to_change(
    server: Server, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply, message = REFUSALS[case]
    server.replies = iter([reply])
    uri = server.environment(monkeypatch)
    with pytest.raises(StoreError, match=rf"^{uri}: cannot be opened \(.*{message}") as caught:
        open_store(uri)
    assert "\n" not in str(caught.value)
    assert server.requests == 1


@pytest.mark.parametrize("reply", [(501, refusal("NotImplemented")), (403, refusal("AccessDenied"))])
def test_refused_put_is_not_repeated(server: Server, reply: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    server.replies = iter([reply])
    store = open_store(server.environment(monkeypatch), waits=True)
    with pytest.raises(StoreError, match=r"runs/a: cannot be written .*(If-None-Match|denies access)"):
        store.backend.put_if_absent("runs/a", b"")


SETTINGS = {
    "AWS_ENDPOINT_URL=localhost:9000": r"AWS_ENDPOINT_URL: .*such as https://localhost:9000, got localhost",
    "AWS_METADATA_ENDPOINT=foo": r"AWS_METADATA_ENDPOINT: .*such as https://foo, got foo",
    "AWS_ENDPOINT_URL=http://[": r"AWS_ENDPOINT_URL: expected the URL of a server",
    "AWS_ALLOW_HTTP=no": r"AWS_ENDPOINT_URL is http://.*set AWS_ALLOW_HTTP=true",
    "AWS_ENDPOINT_URL=": "variable AWS_ENDPOINT_URL is empty",
    "AWS_REGION=eu north": "variable AWS_REGION .*contains a space",
    "AWS_SECRET_ACCESS_KEY=top\n": "variable AWS_SECRET_ACCESS_KEY .*contains .*a line break",
    "AWS_SKIP_SIGNATURE=foo": '"foo" as boolean.*; set AWS_SKIP_SIGNATURE to another value',
    "AWS_TIMEOUT=": '"" as Duration.*; set AWS_TIMEOUT to another value',
    "AWS_CONNECT_TIMEOUT=a\nb": r'"a\\nb" as Duration.*; set AWS_CONNECT_TIMEOUT to another value',
    "AWS_CONDITIONAL_PUT=é": '"é" as S3PutConditional.*; set AWS_CONDITIONAL_PUT to another value',
    "AWS_CHECKSUM_ALGORITHM=foo": "valid checksum algorithm.*; set AWS_CHECKSUM_ALGORITHM to another value",
    "AWS_SERVER_SIDE_ENCRYPTION=foo": "Invalid encryption type: foo.*set: .*AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_PROXY_URL=http://[": "builder error.*set: .*AWS_PROXY_URL",
    "AWS_TOKEN=top\n": "variable AWS_TOKEN .*contains .*a line break",
    "AWS_ENDPOINT_URL=http://127.0.0.1:1": r"127\.0\.0\.1:1 cannot be reached: Connection refused.*AWS_",
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_malformed_setting_is_named(server: Server, setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = server.environment(monkeypatch)
    name, _, value = setting.partition("=")
    monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=f"^{uri}: .*{SETTINGS[setting]}") as caught:
        open_store(uri)
    assert "top" not in str(caught.value)


def test_missing_credentials_are_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = server.environment(monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", server.url)  # where machines of the cloud get them
    server.replies = iter([(404, "")])
    with pytest.raises(StoreError, match=rf"^{uri}: .*no credentials.*set AWS_ACCESS_KEY_ID and"):
        open_store(uri)


@pytest.mark.parametrize(
    ("name", "value"),
    [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", " "), ("AWS_WEB_IDENTITY_TOKEN_FILE", "nowhere")],
)
def test_malformed_setting_for_credentials_is_named(
    server: Server, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """obstore panics at the first of them."""
    uri = server.environment(monkeypatch)
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(key)
    monkeypatch.setenv("AWS_ROLE_ARN", "role")
    monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=rf"^{uri}: cannot be opened .*set: .*{name}"):
        open_store(uri)


@pytest.mark.parametrize("uri", ["gs://bucket/path", "az://container/path"])
def test_malformed_setting_of_another_kind_of_store_is_named(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "GOOGLE_SKIP_SIGNATURE" if uri.startswith("gs") else "AZURE_SKIP_SIGNATURE"
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv(name, "foo")
    with pytest.raises(StoreError, match=rf"^{uri}: .*as boolean\); set {name} to another value"):
        open_store(uri)


def test_request_without_an_answer_is_repeated(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a put-if-absent, which obstore itself does not repeat."""
    backend = open_store(server.environment(monkeypatch), waits=True).backend
    failures: list[Reply] = [None, (503, refusal("SlowDown")), (500, ""), None]
    for request in (
        lambda: backend.put_if_absent("claims/pack/claim.1", b""),
        lambda: backend.exists("runs/a"),
    ):
        server.replies, server.requests = iter([*failures, OK]), 0
        assert request()
        assert server.requests == len(failures) + 1


def test_interrupted_command_does_not_wait_for_a_server(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "_LAST_WAIT_S", 0.0)
    monkeypatch.setattr(object_store, "_POLL_S", 0.001)
    monkeypatch.setattr(interruption, "_requested", signal.SIGTERM)
    backend = open_store(server.environment(monkeypatch), waits=True).backend
    with answering_late(server), pytest.raises(StoreError, match=r"cannot be written .*interrupted"):
        backend.put_if_absent("runs/a", b"")


def test_handler_of_a_signal_runs_while_no_answer_comes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = open_store(server.environment(monkeypatch), waits=True).backend
    ctrl_c = partial(os.kill, os.getpid(), signal.SIGINT)
    # A shell that starts its children in the background has them ignore the signal; here it must arrive.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with answering_late(server, ctrl_c), pytest.raises(KeyboardInterrupt):
            backend.put_if_absent("runs/a", b"")
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def answering_late(server: Server, before: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let a server do something at a request, and answer the request after the block."""
    answers = threading.Event()
    server.before_reply, server.replies = lambda: (before(), answers.wait()), iter([OK])
    try:
        yield
    finally:
        answers.set()
