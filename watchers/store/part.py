"""What every file of queries starts from: the database, and values as JSON."""

from typing import TypeVar

import msgspec

from watchers.store.database import Database

T = TypeVar("T")


class Part:
    """A share of the store's queries."""

    def __init__(self, db: Database) -> None:
        self._db = db


def dump(value: object) -> str:
    """Return VALUE, frozen dataclasses and all, as JSON."""
    return msgspec.json.encode(value).decode()


def load(text: str, kind: type[T]) -> T:
    """Return the value of KIND that TEXT holds; what it does not know is left out."""
    return msgspec.json.decode(text, type=kind)
