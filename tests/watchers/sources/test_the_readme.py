"""What the README shows of sources works as it stands there."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from pytest_httpserver import HTTPServer

from tests.watchers.sources.conftest import T0, World, a_post
from watchers.http import Http
from watchers.model import Kind, Outcome, Watermark
from watchers.sources import SOURCES, registry

README = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")


def block(mark: str) -> str:
    """Return the code behind the mark in the README."""
    part = README.split(f"<!-- {mark} -->", 1)[1].split("```", 2)[1]
    return part.partition("\n")[2]


@pytest.fixture
def example(tmp_path: Path) -> Iterator[ModuleType]:
    """Return the example as the module it would be."""
    path = tmp_path / "example.py"
    path.write_text(block("source example"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("readme_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["readme_example"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["readme_example"]


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1") as made:
        yield made


async def test_the_example_is_a_source(example: ModuleType, server: HTTPServer, http: Http) -> None:
    row = registry(*SOURCES.values(), example.ROW)["example"]
    source = row.make(http, {"EXAMPLE_BASE_URL": server.url_for("").rstrip("/")})
    told = {"title": "奥岚回应", "link": "https://news.example.org/1?utm_a=1", "time": "5分钟前"}
    server.expect_ordered_request("/search", query_string={"q": "奥岚"}).respond_with_json(
        {"items": [told, {"title": "no link"}]}
    )
    server.expect_ordered_request("/search").respond_with_data("no", status=401)
    server.expect_ordered_request("/search").respond_with_json({"hits": []})
    server.expect_ordered_request("/search").respond_with_json({"items": []})
    page = await source.search("奥岚", Watermark(), now=T0)
    (post,) = page.posts
    assert (page.outcome, post.kind, post.url) == (
        Outcome.OK,
        Kind.ARTICLE,
        "https://news.example.org/1",
    )
    assert post.created_at == T0 - timedelta(minutes=5)
    refused = await source.search("奥岚", page.watermark, now=T0)
    assert (refused.outcome, refused.watermark) == (Outcome.AUTH_REQUIRED, page.watermark)
    assert (await source.search("奥岚", page.watermark, now=T0)).outcome is Outcome.SCHEMA_CHANGED
    assert await source.check(T0) == (Outcome.OK_EMPTY, "works")
    assert source.describe().terms == row.terms
    assert (source.canary, source.allowance(T0), source.left(T0)) == (None, None, ())


async def test_the_file_of_a_provider_works(world: World) -> None:
    config = json.loads(block("provider example"))
    config["base_url"] = f"{world.platforms.base}/provider/search"
    world.platform("provider").add([a_post("provider", 1, T0 - timedelta(minutes=5))])
    source = world.source("provider", PROVIDER_CONFIG=json.dumps(config))
    page = await source.search("奥岚", Watermark(), now=T0)
    assert (page.outcome, len(page.posts)) == (Outcome.OK, 1)
    assert source.title == "Example Monitor"
