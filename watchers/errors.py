"""The errors of the project. The first line of a docstring is the message a person reads.

FenghuoError
├── BadInput            a file, setting or argument is wrong: names the place and the mend
│   ├── BadClientFile
│   ├── BadPlaybook
│   ├── BadRecording
│   ├── BadModel
│   └── BadSetting
├── StoreError          the database cannot be used
│   ├── DatabaseTooNew
│   ├── NoSuchRow
│   └── StaleIncident
└── SourceTrouble       a source gave no usable answer: watchers.http, carries an Outcome
"""


class FenghuoError(Exception):
    """Fenghuo could not do its work."""

    permanent = False  # would the same request fail for ever? Then trying again is noise

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        first_line = (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(f"{first_line} {detail}".strip())


class BadInput(FenghuoError):
    """Something that was given cannot be used."""

    permanent = True


class BadClientFile(BadInput):
    """The client file cannot be used."""


class BadPlaybook(BadInput):
    """A playbook cannot be used."""


class BadRecording(BadInput):
    """The recording cannot be read."""


class BadModel(BadInput):
    """The tone model cannot be used."""


class BadSetting(BadInput):
    """A setting is wrong."""


class StoreError(FenghuoError):
    """The database cannot be used."""


class DatabaseTooNew(StoreError):
    """The database was written by a newer Fenghuo."""

    permanent = True


class NoSuchRow(StoreError):
    """There is no such entry."""

    permanent = True


class StaleIncident(StoreError):
    """Somebody else changed the incident first."""
