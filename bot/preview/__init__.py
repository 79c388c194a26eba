"""A local stand-in for Slack: the bot only sees another SLACK_API_URL.

It keeps the messages in memory, plays the people, and shows all of it on a page of its own."""

from bot.preview.contract import Call
from bot.preview.delivery import Answer
from bot.preview.people import NotThere
from bot.preview.preview import PEOPLE, SCOPES, Preview, Thread
from bot.preview.workspace import (
    APP,
    BOT,
    BOT_USER,
    TEAM,
    Channel,
    Ephemeral,
    Group,
    Message,
    Modal,
    User,
)

__all__ = [
    "APP",
    "BOT",
    "BOT_USER",
    "PEOPLE",
    "SCOPES",
    "TEAM",
    "Answer",
    "Call",
    "Channel",
    "Ephemeral",
    "Group",
    "Message",
    "Modal",
    "NotThere",
    "Preview",
    "Thread",
    "User",
]
