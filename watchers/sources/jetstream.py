"""Bluesky's Jetstream: every public post as it is written, matched here (sources.md 4.5).

The maintainers ask that search be left to people and the stream be used for the rest. The watermark
holds the last event; after a break the stream is taken up five seconds before it. Deletions come as
events, so what is deleted there goes here within seconds.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from watchers.budget import Budget
from watchers.connector import Description, Limited, Setting, SourceRow, interval
from watchers.errors import BadSetting
from watchers.http import Http, SourceTrouble
from watchers.model import Author, Gap, Kind, Outcome, Page, Post, Reach, Watermark
from watchers.paging import REMEMBERED_FOR, failed, merge
from watchers.shapes.languages import wanted
from watchers.sitetext import fields, name, tidy
from watchers.stream import Stream, stream_fault
from watchers.timetext import read_time

NAME = "jetstream"
ALL = "posts"  # its one query
COLLECTION = "app.bsky.feed.post"
URL = "wss://jetstream2.us-east.bsky.network/subscribe"
REWIND = timedelta(seconds=5)
MOST = 20_000  # events of one look
LOST = timedelta(minutes=1)  # a first event so much later than where we left: some were missed
STALE = timedelta(minutes=10)
MICRO = timedelta(microseconds=1)
BACKDATED = timedelta(minutes=10)  # createdAt is the author's to write: this far behind is believed
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SETTINGS = (
    Setting(
        name="JETSTREAM_LANGUAGES",
        meaning="languages of the posts that are read, as in zh en; * reads all; setting it switches "
        "the stream on",
        required=True,
    ),
    Setting(name="JETSTREAM_URL", meaning="address of the stream", default=URL),
    Setting(name="JETSTREAM_EVERY", meaning="seconds between two looks at the stream", default="5"),
)
TERMS = (
    "Public posts, offered as a stream to everybody, without a key. Deletions are followed. Use it "
    "instead of Bluesky's search where there are many words to watch for, not beside it."
)


class Jetstream(Limited):
    """The stream, version 1, for an installation."""

    name = NAME
    title = "Bluesky stream (Jetstream)"
    overlap = REWIND
    lag = timedelta(seconds=10)
    freshness = STALE
    page_size = MOST
    deep = False
    feeds: ClassVar[tuple[str, ...]] = (ALL,)
    budgets: tuple[Budget, ...] = ()

    def __init__(self, http: Http, settings: Mapping[str, str]) -> None:
        url = settings.get("JETSTREAM_URL", "").strip() or URL
        if (fault := stream_fault(url)) is not None:
            where = f"JETSTREAM_URL: {fault}"
            raise BadSetting(where)
        self._languages = frozenset(settings.get("JETSTREAM_LANGUAGES", "").lower().split())
        self.every = interval(settings, "JETSTREAM_EVERY", timedelta(seconds=5))
        self._stream = Stream(http, url)
        self._read_to = ""  # the last event that came over the connection that stands

    async def search(
        self,
        query: str,
        since: Watermark,
        *,
        now: datetime,
        max_pages: int = 5,
        reach: Reach = Reach.ROUND,
    ) -> Page:
        """Read what the stream brought since the last look."""
        del query, max_pages, reach
        look = _Look(self, since, now)
        try:
            await self._connect(since, now)
            async for event in self._stream.messages(MOST):
                look.take(event)
                if look.last is not None and look.last >= now:
                    break
        except SourceTrouble as trouble:
            if look.last is None:
                return failed(since, trouble)
            look.trouble = trouble
        page = look.page()
        self._read_to = page.watermark.id or ""
        return page

    async def _connect(self, since: Watermark, now: datetime) -> None:
        """Go on where SINCE stood, on the connection that stands if it is there already."""
        if self._stream.connected and self._read_to == (since.id or ""):
            return
        params = {"wantedCollections": COLLECTION}
        if since.id:
            params["cursor"] = str(int(since.id) - REWIND // MICRO)
        await self._stream.connect(params, now)

    def wants(self, post: Post) -> bool:
        """Whether POST is in one of the languages that are read."""
        return wanted(post, self._languages)

    async def check(self, now: datetime) -> tuple[Outcome, str]:
        """Listen for a moment."""
        stream = Stream(self._stream.http, self._stream.url)
        count = 0
        try:
            await stream.connect({"wantedCollections": COLLECTION}, now)
            async for event in stream.messages(100):
                count += _moment(event) is not None
        except SourceTrouble as trouble:
            return trouble.outcome, trouble.detail
        finally:
            await stream.close()
        return Outcome.OK, f"works: {count} events came at once"

    def describe(self) -> Description:
        """Say what an operator should know."""
        return Description(
            terms=TERMS,
            attribution="Bluesky",
            cost_unit="nothing",
            min_interval=timedelta(seconds=1),
            terms_class="official",
        )


class _Look:
    """What one look at the stream brings."""

    def __init__(self, source: Jetstream, since: Watermark, now: datetime) -> None:
        self._source, self._since, self._now = source, since, now
        self._posts: dict[str, Post] = {}
        self._deleted: dict[str, None] = {}
        self._odd = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.trouble: SourceTrouble | None = None

    def take(self, event: object) -> None:
        at = _moment(event)
        if at is None:
            self._odd += 1
            return
        self.first = self.first or at
        self.last = max(self.last or at, at)
        commit, did = fields(fields(event).get("commit")), name(fields(event).get("did"))
        if commit.get("collection") != COLLECTION or not did.startswith("did:"):
            return
        uri = f"at://{did}/{COLLECTION}/{name(commit.get('rkey'))}"
        if commit.get("operation") == "delete":
            self._posts.pop(uri, None)
            self._deleted[uri] = None
        elif (post := read_commit(commit, did, uri, at, self._now)) and self._source.wants(post):
            self._posts[uri] = post

    def page(self) -> Page:
        """Return the posts, and how far the stream was read."""
        since, now = self._since, self._now
        gaps = [g for g in since.gaps if g.end > now - REMEMBERED_FOR]
        left = since.at
        missed = bool(left and self.first and self.first - left > LOST + self._source.overlap)
        if missed and left is not None and self.first is not None:
            gaps.append(Gap(start=left, end=self.first))
        last = max(filter(None, (self.last, left)), default=now)
        outcome, detail = self._judge(last, missed=missed)
        return Page(
            posts=tuple(sorted(self._posts.values(), key=lambda p: p.at, reverse=True)),
            watermark=Watermark(
                at=last,
                id=str((last - EPOCH) // MICRO),
                covered_to=last - self._source.lag,
                gaps=merge(gaps),
            ),
            outcome=outcome,
            requests=0,
            detail=detail,
            deleted=tuple(self._deleted),
        )

    def _judge(self, last: datetime, *, missed: bool) -> tuple[Outcome, str]:
        if self.last is None and self._odd:
            return Outcome.SCHEMA_CHANGED, f"{self._odd} events without a time: the stream changed"
        if missed:
            return Outcome.PARTIAL, "the stream did not keep what was written while we were away"
        if self.trouble is not None:
            return Outcome.PARTIAL, self.trouble.detail
        if self._now - last > STALE:
            return Outcome.STALE, f"no event since {last:%d %b %H:%M} UTC: the stream stands still"
        return (Outcome.OK if self._posts or self._deleted else Outcome.OK_EMPTY), ""


def read_commit(
    commit: Mapping[str, object], did: str, uri: str, at: datetime, now: datetime
) -> Post | None:
    """Return the post that COMMIT made at AT, by the stream's clock; None: it holds no text."""
    record = fields(commit.get("record"))
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        return None
    created, precision = read_time(record.get("createdAt"), now)
    if created is None or not at - BACKDATED <= created <= at:
        created, precision = at, timedelta(seconds=1)
    langs = record.get("langs")
    parent = name(fields(fields(record.get("reply")).get("parent")).get("uri"))
    quoted = name(fields(fields(record.get("embed")).get("record")).get("uri"))
    return Post(
        source=NAME,
        id=uri,
        url=f"https://bsky.app/profile/{did}/post/{uri.rsplit('/', 1)[-1]}",
        text=tidy(text),
        author=Author(id=did, handle=did),
        created_at=created,
        created_precision=precision,
        retrieved_at=now,
        parent_id=quoted or parent or None,
        kind=Kind.REPOST if quoted else Kind.REPLY if parent else Kind.POST,
        lang=name(langs[0])[:8].lower() or None if isinstance(langs, list) and langs else None,
        terms_class="official",
    )


def _moment(event: object) -> datetime | None:
    """Return when EVENT came into the stream; None: it does not say."""
    micros = fields(event).get("time_us")
    if isinstance(micros, bool) or not isinstance(micros, int) or not 1e15 < micros < 1e17:
        return None
    return EPOCH + timedelta(microseconds=micros)


COST = "Free, without an account. All of Bluesky's posts come over the line; yours are read."
ROW = SourceRow(
    name=NAME,
    title=Jetstream.title,
    terms=TERMS,
    cost=COST,
    settings=SETTINGS,
    make=Jetstream,
)
