"""A server that speaks S3, for tests: moto on the loopback interface, with its objects in memory.

    python -m tests.s3_server        # prints its URL, and serves until it is killed

moto looks for an existing object and writes the new one in two steps. This server answers one request after
the other, so that put-if-absent is atomic, as it is in S3.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

BUCKET = "bucket"


def s3_environment(url: str) -> Mapping[str, str]:
    """Return the environment variables with which obstore uses a server."""
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
    return keys | {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true"}


@contextmanager
def s3_server() -> Iterator[str]:
    """Serve a bucket from a thread of this process.

    Yields:
        URL of the server.
    """
    server = _make_server()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield _url(server)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _make_server() -> BaseWSGIServer:
    """Return a server with one bucket."""
    # Imported here, because these packages take longer to import than most tests run.
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
    from moto.s3.models import s3_backends
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else it prints each request
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(BUCKET, "us-east-1")
    return make_server("127.0.0.1", 0, create_backend_app("s3"), request_handler=MotoRequestHandler)


def _url(server: BaseWSGIServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def main() -> None:
    server = _make_server()
    print(_url(server), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
