"""Settings are read once, and all that is wrong is said at once."""

from pathlib import Path

import pytest

from bot.settings import ROWS, read
from watchers.errors import BadSetting

GOOD = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


def test_without_any_setting_the_preview_opens() -> None:
    settings = read({})
    assert settings.previews
    assert settings.database_url == "sqlite:///.data/fenghuo.sqlite3"
    assert settings.retention_days == 90


def test_with_both_tokens_slack_is_spoken_to() -> None:
    settings = read(GOOD)
    assert not settings.previews
    assert settings.api_url == "https://slack.com/api/"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param(
            {"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xapp-1"},
            "SLACK_BOT_TOKEN is an app token, but a bot token (xoxb-…) is needed",
            id="a token of the wrong kind is named",
        ),
        pytest.param(
            GOOD | {"SLACK_BOT_TOKEN": "xoxp-1"}, "is a user token", id="a user token is no bot"
        ),
        pytest.param(
            {"SLACK_BOT_TOKEN": "xoxb-1"},
            "SLACK_APP_TOKEN is missing",
            id="socket mode needs its token",
        ),
        pytest.param(
            {"SLACK_API_URL": "http://slack.example/api/"},
            "http:// is for loopback only",
            id="plain http is for loopback",
        ),
        pytest.param(
            {"FENGHUO_RETENTION_DAYS": "soon"}, "a whole number from 1 to 3650", id="no number"
        ),
        pytest.param(
            {"FENGHUO_OPERATORS_CHANNEL": "#watchers"}, "the channel's id", id="a name is no id"
        ),
        pytest.param({"FENGHUO_LOG": "loud"}, "debug, info, warning, error", id="unknown level"),
        pytest.param({"FENGHUO_PLAYBOOKS": "nowhere"}, "no folder nowhere", id="no such folder"),
        pytest.param({"FENGHUO_MODEL": "none.npz"}, "fenghuo train", id="no such model"),
    ],
)
def test_a_fault_names_the_place_and_the_mend(given: dict[str, str], says: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read(given)
    assert says in str(caught.value)


def test_all_faults_are_listed_at_once() -> None:
    with pytest.raises(BadSetting) as caught:
        read({"FENGHUO_LOG": "loud", "FENGHUO_PREVIEW_PORT": "-1", "SLACK_BOT_TOKEN": "oops"})
    text = str(caught.value)
    assert all(name in text for name in ("FENGHUO_LOG", "FENGHUO_PREVIEW_PORT", "SLACK_BOT_TOKEN"))


def test_no_secret_shows_in_the_settings() -> None:
    settings = read(GOOD | {"SLACK_SIGNING_SECRET": "hush", "WEIBO_TOKEN": "wb_hush"})
    assert "xoxb-1" not in repr(settings)
    assert "xapp-1" not in repr(settings)
    assert "hush" not in repr(settings)


def test_no_fault_repeats_a_secret() -> None:
    with pytest.raises(BadSetting) as caught:
        read({"SLACK_BOT_TOKEN": "xapp-very-secret"})
    assert "very-secret" not in str(caught.value)


def test_loopback_may_be_spoken_to_in_plain(tmp_path: Path) -> None:
    settings = read(
        GOOD | {"SLACK_API_URL": "http://127.0.0.1:8080/api", "FENGHUO_DATA": str(tmp_path)}
    )
    assert settings.api_url == "http://127.0.0.1:8080/api/"
    assert settings.data == tmp_path


def test_every_row_has_a_meaning() -> None:
    assert all(row.meaning for row in ROWS)
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"FENGHUO_TRANSLATE": "babel"}, "'babel', but deepl or openai is needed"),
        ({"FENGHUO_TRANSLATE": "deepl"}, "FENGHUO_TRANSLATE_KEY is missing"),
        ({"FENGHUO_TRANSLATE": "openai"}, "FENGHUO_TRANSLATE_MODEL is missing"),
        ({"FENGHUO_TRANSLATE": "openai"}, "FENGHUO_TRANSLATE_KEY is missing"),
        (
            {"FENGHUO_TRANSLATE": "deepl", "FENGHUO_TRANSLATE_URL": "http://far.example"},
            "FENGHUO_TRANSLATE_URL must begin with https://",
        ),
    ],
)
def test_what_is_wrong_with_the_translation_is_said_at_the_start(
    given: dict[str, str], says: str
) -> None:
    with pytest.raises(BadSetting, match=says):
        read(given)


def test_translation_is_off_until_it_is_asked_for() -> None:
    assert read({"FENGHUO_TRANSLATE_KEY": "k"}).translate is None
    given = {"FENGHUO_TRANSLATE": "DeepL", "FENGHUO_TRANSLATE_KEY": "k-secret"}
    settings = read(given)
    assert settings.translate is not None
    assert settings.translate.kind == "deepl"
    assert "k-secret" not in repr(settings)
    local = {"FENGHUO_TRANSLATE": "openai", "FENGHUO_TRANSLATE_MODEL": "m"}
    found = read(local | {"FENGHUO_TRANSLATE_URL": "http://127.0.0.1:11434/v1/"}).translate
    assert found is not None
    assert found.url == "http://127.0.0.1:11434/v1"
