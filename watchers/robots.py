"""Whether a site's robots.txt lets us read a page: asked once a day. Knows no source."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from watchers.http import Call, Http, Reply, SourceTrouble
from watchers.model import Outcome

KNOWN_FOR = timedelta(days=1)


class Robots:
    """What is known of the rules of sites; they are asked for before the first page."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._known: dict[str, tuple[datetime, bool]] = {}  # address -> asked, allowed

    async def ask(self, url: str, now: datetime) -> int:
        """Return how many requests it took to learn that URL may be read.

        Raises SourceTrouble where it may not, or where the site does not answer.
        """
        known, sent = self._known.get(url), 0
        if known is None or now - known[0] >= KNOWN_FOR:
            parts = urlsplit(url)
            rules = f"{parts.scheme}://{parts.netloc}/robots.txt"
            reply = await self._http.send(Call(url=rules), now=now)
            sent = reply.requests
            known = self._known[url] = (now, _lets_in(reply, url))
        if not known[1]:
            detail = f"robots.txt of {urlsplit(url).hostname} keeps us out: leave this page"
            raise SourceTrouble(Outcome.BLOCKED, now + KNOWN_FOR, detail, requests=sent)
        return sent


def _lets_in(reply: Reply, url: str) -> bool:
    """Whether the robots.txt in REPLY lets everybody read URL; none there: it does."""
    if reply.status in (401, 403):
        return False
    if reply.status >= 400 or reply.is_html:
        return reply.status < 500
    rules = RobotFileParser()
    rules.parse(reply.text.splitlines())
    return rules.can_fetch("*", url)
