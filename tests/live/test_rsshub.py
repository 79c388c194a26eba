"""Feeds by an RSSHub of one's own, whose upstream stands on this machine.

Its routes, its caching and its times are real; its package answers with data instead of RSS, which
`rsshub/serve.mjs` writes down. It is another program with another licence, and runs as a service.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from tests.live import setup
from tests.live.conftest import free_port, installed, now, running
from watchers.http import Http
from watchers.model import Kind, Outcome, Watermark
from watchers.sources import SOURCES

pytestmark = pytest.mark.heavy
HOSTS = ("feed.mix.sina.com.cn", "news.sina.com.cn", "m.weibo.cn")


class Upstream(BaseHTTPRequestHandler):
    """Stands for Sina: the roll, and an article with its words."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012 -- one upstream for all tests
    published = datetime(2026, 1, 1, tzinfo=UTC)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.asked.append((f"{self.headers['Host']}{parts.path}", self.headers["User-Agent"]))
        if parts.path == "/api/roll/get" and parse_qs(parts.query)["lid"] == ["2509"]:
            moment = str(int(self.published.timestamp()))
            row = {
                "title": "奥岚回应取暖器冒烟",
                "intro": "示例摘要",
                "url": "https://news.sina.com.cn/c/example1.shtml",
                "media_name": "示例社",
                "intime": moment,
                "mtime": moment,
                "ctime": moment,
            }
            self._say(json.dumps({"result": {"data": [row]}}), "application/json")
        elif parts.path.startswith("/c/"):
            page = '<html><head><meta name="keywords" content="奥岚,取暖器"></head>'
            self._say(
                f'{page}<body><div id="article"><p>奥岚今天说。</p></div></body></html>',
                "text/html",
            )
        else:
            self.send_error(432)

    def _say(self, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def rsshub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of RSSHub, which asks this machine for whatever it wants from outside."""
    place, folder = installed("rsshub"), tmp_path_factory.mktemp("rsshub")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(context)
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    upstream.socket = context.wrap_socket(upstream.socket, server_side=True)
    thread = threading.Thread(target=upstream.serve_forever, daemon=True)
    thread.start()
    port = free_port()
    given = setup.environment() | {
        "UPSTREAM_PORT": str(upstream.server_address[1]),
        "NODE_EXTRA_CA_CERTS": str(folder / "ca.pem"),
        "TZ": "Asia/Shanghai",
    }
    command = [str(setup.NODE), "-r", "./redirect.cjs", "serve.mjs", str(port)]
    try:
        with running(command, f"http://127.0.0.1:{port}/", folder=place, environment=given):
            yield f"http://127.0.0.1:{port}"
    finally:
        upstream.shutdown()
        upstream.server_close()
        thread.join(timeout=10)


async def test_a_route_of_rsshub_is_a_feed_like_any_other(http: Http, rsshub: str) -> None:
    Upstream.published = now().replace(microsecond=0) - timedelta(minutes=20)
    address = f"{rsshub}/sina/rollnews/2509"
    source = SOURCES["feed"].make(http, {"FEED_URLS": address})
    page = await source.search(address, Watermark(), now=now())
    assert page.outcome is Outcome.OK, page.detail
    (post,) = page.posts
    assert (post.kind, post.url) == (Kind.ARTICLE, "https://news.sina.com.cn/c/example1.shtml")
    assert post.text.startswith("奥岚回应取暖器冒烟")
    assert post.created_at == Upstream.published  # in UTC, whatever zone it lives in
    again = await source.search(address, page.watermark, now=now())
    assert again.outcome.healthy
    hosts = [host for host, _ in Upstream.asked]
    assert hosts[:2] == ["feed.mix.sina.com.cn/api/roll/get", "news.sina.com.cn/c/example1.shtml"]
    assert {agent for _, agent in Upstream.asked} == {"fenghuo-live-test"}  # and no browser's


async def test_a_route_whose_upstream_refuses_is_down_not_empty(http: Http, rsshub: str) -> None:
    address = f"{rsshub}/sina/rollnews/2510"
    source = SOURCES["feed"].make(http, {"FEED_URLS": address})
    page = await source.search(address, Watermark(), now=now())
    assert page.outcome is Outcome.DOWN
    assert page.posts == ()
