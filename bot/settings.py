"""The environment as a frozen value. All that is wrong is listed at once, before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from watchers.errors import BadSetting

DATABASE = "fenghuo.sqlite3"  # in the data folder, where no other database is named
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting as the README and `fenghuo doctor` show it."""

    name: str
    meaning: str
    default: str = ""
    secret: bool = False


ROWS = (
    Row(name="SLACK_BOT_TOKEN", meaning="bot token, xoxb-…; without it the preview opens", secret=True),
    Row(name="SLACK_APP_TOKEN", meaning="app token, xapp-…, for Socket Mode", secret=True),
    Row(name="SLACK_SIGNING_SECRET", meaning="for HTTP mode instead of Socket Mode", secret=True),
    Row(name="SLACK_HTTP_PORT", meaning="port of HTTP mode, on loopback behind your proxy", default="3000"),
    Row(name="SLACK_API_URL", meaning="another Web API address", default="https://slack.com/api/"),
    Row(name="FENGHUO_DATABASE_URL", meaning="sqlite:///file or postgresql://…; default: a file in the data folder"),
    Row(name="FENGHUO_DATA", meaning="folder for the database and saved models", default=".data"),
    Row(name="FENGHUO_OPERATORS_CHANNEL", meaning="Slack channel for trouble with sources and delivery"),
    Row(name="FENGHUO_PLAYBOOKS", meaning="folder of your own playbooks; a file replaces the shipped one of its id"),
    Row(name="FENGHUO_MODEL", meaning="your own tone model, made by fenghuo train"),
    Row(name="FENGHUO_TRANSLATE", meaning="deepl or openai: lead posts go to that service for an English line; off while empty"),
    Row(name="FENGHUO_TRANSLATE_URL", meaning="its address; default: api-free.deepl.com or api.openai.com/v1"),
    Row(name="FENGHUO_TRANSLATE_KEY", meaning="its key", secret=True),
    Row(name="FENGHUO_TRANSLATE_MODEL", meaning="the model, for openai"),
    Row(name="FENGHUO_RETENTION_DAYS", meaning="posts older than this are deleted each day", default="90"),
    Row(name="FENGHUO_PREVIEW_PORT", meaning="port of the preview page on loopback; 0 picks a free one", default="8642"),
    Row(name="FENGHUO_CONTACT", meaning="mail or web address that sources see in our User-Agent", default="contact not given"),
    Row(name="FENGHUO_LOG", meaning="debug, info, warning or error", default="info"),
)  # fmt: skip
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Translate:
    """The service that translates lead posts."""

    kind: Literal["deepl", "openai"]
    url: str  # without its last slash; empty: the usual one
    key: str = field(repr=False)
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    bot_token: str | None = field(repr=False, default=None)
    app_token: str | None = field(repr=False, default=None)
    signing_secret: str | None = field(repr=False, default=None)
    http_port: int = 3000
    api_url: str = "https://slack.com/api/"
    database_url: str = field(repr=False, default="")
    data: Path = Path(".data")
    operators: str | None = None
    playbooks: Path | None = None
    model: Path | None = None
    translate: Translate | None = None
    retention_days: int = 90
    preview_port: int = 8642
    contact: str = "contact not given"
    log: str = "info"
    environment: Mapping[str, str] = field(repr=False, default_factory=dict)  # sources read theirs

    @property
    def previews(self) -> bool:
        """Whether there is no Slack to talk to."""
        return self.bot_token is None


def read(environment: Mapping[str, str]) -> Settings:
    """Return the settings in ENVIRONMENT; BadSetting names every fault and its mend."""
    known = {row.name: row.default for row in ROWS}
    given = {name: environment.get(name, "").strip() or default for name, default in known.items()}
    faults: list[str] = []
    data = Path(given["FENGHUO_DATA"])
    settings = Settings(
        bot_token=_token(given, "SLACK_BOT_TOKEN", "xoxb-", faults),
        app_token=_token(given, "SLACK_APP_TOKEN", "xapp-", faults),
        signing_secret=given["SLACK_SIGNING_SECRET"] or None,
        http_port=_number(given, "SLACK_HTTP_PORT", 1, 65535, faults),
        api_url=_address(given, "SLACK_API_URL", faults),
        database_url=given["FENGHUO_DATABASE_URL"] or f"sqlite:///{data / DATABASE}",
        data=data,
        operators=_channel(given, "FENGHUO_OPERATORS_CHANNEL", faults),
        playbooks=_folder(given, "FENGHUO_PLAYBOOKS", faults),
        model=_file(given, "FENGHUO_MODEL", faults),
        translate=_translate(given, faults),
        retention_days=_number(given, "FENGHUO_RETENTION_DAYS", 1, 3650, faults),
        preview_port=_number(given, "FENGHUO_PREVIEW_PORT", 0, 65535, faults),
        contact=given["FENGHUO_CONTACT"],
        log=_level(given, faults),
        environment=dict(environment),
    )
    if settings.bot_token and not (settings.app_token or settings.signing_secret):
        faults.append(
            "SLACK_APP_TOKEN is missing: Socket Mode needs the app token (xapp-…, scope "
            "connections:write); for HTTP mode give SLACK_SIGNING_SECRET instead"
        )
    if faults:
        raise BadSetting("\n  " + "\n  ".join(faults))
    return settings


def own_files(environment: Mapping[str, str]) -> tuple[Path | None, Path | None]:
    """Return your own playbooks and tone model, all that the verbs without Slack have set."""
    given = {n: environment.get(n, "").strip() for n in ("FENGHUO_PLAYBOOKS", "FENGHUO_MODEL")}
    faults: list[str] = []
    found = _folder(given, "FENGHUO_PLAYBOOKS", faults), _file(given, "FENGHUO_MODEL", faults)
    if faults:
        raise BadSetting("\n  " + "\n  ".join(faults))
    return found


def kept_at(environment: Mapping[str, str]) -> str | None:
    """Return the address of the database; None where nothing was ever stored."""
    if url := environment.get("FENGHUO_DATABASE_URL", "").strip():
        return url
    file = Path(environment.get("FENGHUO_DATA", "").strip() or ".data") / DATABASE
    return f"sqlite:///{file}" if file.is_file() else None


def data_folder(settings: Settings) -> Path:
    """Return the data folder of SETTINGS, made where it is absent."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        mend = "name a folder that may be written to"
        raise BadSetting(f"FENGHUO_DATA: {settings.data}: {error.strerror}; {mend}") from None
    return settings.data


def _token(given: Mapping[str, str], name: str, prefix: str, faults: list[str]) -> str | None:
    token = given[name]
    if not token:
        return None
    if not token.startswith(prefix):
        kinds = {"xoxb-": "a bot token", "xapp-": "an app token", "xoxp-": "a user token"}
        seen = next((kind for begin, kind in kinds.items() if token.startswith(begin)), "no token")
        faults.append(f"{name} is {seen}, but {kinds[prefix]} ({prefix}…) is needed here")
    return token


def _number(given: Mapping[str, str], name: str, low: int, high: int, faults: list[str]) -> int:
    text = given[name]
    if text.isdecimal() and low <= int(text) <= high:
        return int(text)
    faults.append(f"{name} is {text!r}, but a whole number from {low} to {high} is needed")
    return low


def _address(given: Mapping[str, str], name: str, faults: list[str]) -> str:
    address = given[name] if given[name].endswith("/") else given[name] + "/"
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        faults.append(f"{name} must begin with https:// (http:// is for loopback only)")
    return address


def _translate(given: Mapping[str, str], faults: list[str]) -> Translate | None:
    """Return the service for translations; None: none is wanted."""
    kind, key = given["FENGHUO_TRANSLATE"].lower(), given["FENGHUO_TRANSLATE_KEY"]
    model = given["FENGHUO_TRANSLATE_MODEL"]
    if not kind:
        return None
    url = given["FENGHUO_TRANSLATE_URL"]
    if url:
        url = _address(given, "FENGHUO_TRANSLATE_URL", faults).rstrip("/")
    if kind == "deepl":
        if not key:
            faults.append("FENGHUO_TRANSLATE_KEY is missing: the key of your DeepL account")
        return Translate(kind="deepl", url=url, key=key, model="")
    if kind == "openai":
        if not model:
            faults.append("FENGHUO_TRANSLATE_MODEL is missing: the name of the model to ask")
        if not key and not url:
            faults.append("FENGHUO_TRANSLATE_KEY is missing: the key of your account there")
        return Translate(kind="openai", url=url, key=key, model=model)
    faults.append(f"FENGHUO_TRANSLATE is {kind!r}, but deepl or openai is needed (or nothing)")
    return None


def _channel(given: Mapping[str, str], name: str, faults: list[str]) -> str | None:
    channel = given[name]
    if channel and (channel[0] not in "CG" or not channel.isalnum() or not channel.isupper()):
        faults.append(
            f"{name} is {channel!r}, but the channel's id (C0123456789) is needed: in Slack, open "
            "the channel's details; the id stands at the bottom"
        )
    return channel or None


def _folder(given: Mapping[str, str], name: str, faults: list[str]) -> Path | None:
    if not given[name]:
        return None
    path = Path(given[name])
    if not path.is_dir():
        faults.append(f"{name}: there is no folder {path}")
    return path


def _file(given: Mapping[str, str], name: str, faults: list[str]) -> Path | None:
    if not given[name]:
        return None
    path = Path(given[name])
    if not path.is_file():
        faults.append(f"{name}: there is no file {path}; make one with fenghuo train")
    return path


def _level(given: Mapping[str, str], faults: list[str]) -> str:
    level = given["FENGHUO_LOG"].lower()
    if level not in LEVELS:
        faults.append(f"FENGHUO_LOG is {level!r}, but one of {', '.join(LEVELS)} is needed")
    return level
