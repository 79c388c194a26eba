"""The stages as the service builds them: the playbooks and the tone model that are shipped."""

from bot import playbooks
from watchers.model import Client
from watchers.stages import Stages
from watchers.store import Store
from watchers.tone import ToneModel
from watchers.trial import Kit


def kit() -> Kit:
    """Return what a replay needs besides words and posts."""
    books = playbooks.load()
    return Kit(types=books.crisis_types(), tone=ToneModel.load(), play=books.steps_for)


def stages(store: Store, *clients: Client) -> Stages:
    """Return the stages for CLIENTS on STORE."""
    given = kit()
    return Stages(store, clients=clients, types=given.types, tone=given.tone, play=given.play)
