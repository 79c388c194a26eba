"""The documents are tested: README, manifest and code say the same."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import yaml

from bot import actions, keeping
from bot.commands import COMMANDS, USAGE
from bot.settings import ROWS
from bot.verbs import VERBS
from watchers.sources import SOURCES
from watchers.systems import SYSTEMS, System

HOME = Path(__file__).resolve().parent.parent
README = (HOME / "README.md").read_text(encoding="utf-8")
MANIFEST = yaml.safe_load((HOME / "manifest.yml").read_text(encoding="utf-8"))


def table(name: str) -> list[list[str]]:
    """Return the rows of the README's table behind the mark NAME, without its head."""
    part = README.split(f"<!-- {name} -->", 1)[1]
    rows = []
    for line in part.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


def test_the_readme_lists_every_verb_of_the_command_line() -> None:
    assert table("verbs") == [[f"`{v.name}`", v.help] for v in VERBS]


def test_the_readme_lists_every_slash_verb() -> None:
    assert table("commands") == [[f"`{v.usage}`", v.help] for v in COMMANDS.values()]


def test_the_readme_lists_every_setting() -> None:
    assert table("settings") == [
        [f"`{r.name}`", r.meaning, f"`{r.default}`" if r.default else ""] for r in ROWS
    ]


def test_the_readme_lists_every_setting_of_every_source() -> None:
    assert table("sources") == [
        [
            row.title,
            f"`{s.name}`" + (" (required)" if s.required else ""),
            s.meaning,
            f"`{s.default}`" if s.default else "",
        ]
        for row in SOURCES.values()
        for s in row.settings
    ]


def test_the_readme_lists_the_systems_of_the_founding_article() -> None:
    def today(system: System) -> str:
        if not system.closed:
            return f"now {system.successor}" if system.successor else "alive"
        return system.today

    assert table("systems") == [
        [f"{s.name} {s.name_zh}", today(s), ", ".join(f"`{n}`" for n in s.sources)] for s in SYSTEMS
    ]


def test_the_readme_s_tree_names_every_module() -> None:
    tree = README.split("<!-- tree -->", 1)[1].split("```")[1]
    for house in ("bot", "watchers"):
        for path in sorted((HOME / house).iterdir()):
            if path.name.startswith("__") and path.name != "__main__.py":
                continue
            assert re.search(rf"\b{re.escape(path.name)}\b", tree), f"{house}/{path.name}"


def test_the_top_level_holds_what_it_may_hold() -> None:
    visible = {p.name for p in HOME.iterdir() if not p.name.startswith(".")}
    allowed = {"pyproject.toml", "README.md", "LICENSE", "manifest.yml", "bot", "watchers", "tests"}
    assert visible - {"uv.lock"} <= allowed  # the lock is ignored by git


def test_the_manifest_names_the_one_slash_command_and_its_verbs() -> None:
    commands: list[Mapping[str, str]] = MANIFEST["features"]["slash_commands"]
    assert [c["command"] for c in commands] == ["/crisis"]
    assert commands[0]["usage_hint"] == USAGE


def test_the_manifest_asks_for_the_scopes_the_doctor_looks_for() -> None:
    assert sorted(keeping.SCOPES) == MANIFEST["oauth_config"]["scopes"]["bot"]


def test_the_manifest_switches_on_what_is_listened_to() -> None:
    assert actions.PRESSES
    assert MANIFEST["settings"]["interactivity"]["is_enabled"]
    assert "event_subscriptions" not in MANIFEST["settings"]  # no listener hears events
    assert MANIFEST["settings"]["socket_mode_enabled"]


def test_the_manifest_fits_slack_s_schema(shared: Path) -> None:
    folder = shared / "data" / "slack-api" / "manifest"
    version = MANIFEST["_metadata"]["major_version"]
    schema = json.loads((folder / f"manifest.schema.{version}.0.0.json").read_text("utf-8"))
    assert [e.message for e in jsonschema.Draft7Validator(schema).iter_errors(MANIFEST)] == []
