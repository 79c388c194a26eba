"""Values become Block Kit. Pure: no network, no store, no clock, no file.

Every text that a stranger wrote stays text: it mentions nobody, links nowhere, formats nothing.
"""

from bot.messages.blocks import Block, Message
from bot.messages.check import problems
from bot.messages.plan import Clock, Duty, Plan
from bot.messages.root import fallback, root
from bot.messages.thread import evidence, notice, plain, playbook, update

__all__ = [
    "Block",
    "Clock",
    "Duty",
    "Message",
    "Plan",
    "evidence",
    "fallback",
    "notice",
    "plain",
    "playbook",
    "problems",
    "root",
    "update",
]
