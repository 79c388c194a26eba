"""Tone: the shipped model's figures, odd texts, files that are broken, and SnowNLP's own answer."""

import gzip
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import watchers.tone
from watchers.errors import BadInput, BadModel
from watchers.model import Tone
from watchers.tone import Row, ToneModel, evaluate, read_labels, train
from watchers.tone.bayes import CompiledBayes
from watchers.tone.english import UNREAD
from watchers.tone.measuring import auc, recall, reliability
from watchers.tone.model import SHIPPED
from watchers.tone.reading import own_words, without_emoticons, word_hashes

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
BAD = ["服务太差了", "垃圾公司骗钱", "气死我了再也不来", "难吃又贵", "电池炸了好害怕"]
GOOD = ["今天真开心", "味道很好下次再来", "谢谢你们辛苦了", "太好看了喜欢", "祝大家幸福"]
PLAIN = ["会议下午三点开始", "门店地址在东路", "明天多云", "列车八点到站", "本店十点开门"]


@pytest.fixture(scope="module")
def model() -> ToneModel:
    return ToneModel.load()


def rows(labels: Sequence[int] = (-1, 0, 1), each: int = 60) -> list[tuple[int, str]]:
    """Return EACH labelled texts a label, no two alike."""
    texts = {-1: BAD, 0: PLAIN, 1: GOOD}
    return [
        (n, f"{texts[n][i % 5]}{'，'.join(texts[n][: i % 4])}{i}")
        for n in labels
        for i in range(each)
    ]


# ------------------------------------------------------------------------------- what it says
@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("这个客服太垃圾了，骗子公司", Tone.NEGATIVE),
        ("臺灣這家公司真噁心", Tone.NEGATIVE),
        ("真是太棒了，又断网了，恶心死了", Tone.NEGATIVE),
        ("😡😡", Tone.NEGATIVE),
        ("今天很开心，谢谢大家！", Tone.POSITIVE),
    ],
)
def test_plain_words_get_their_tone(model: ToneModel, text: str, tone: Tone) -> None:
    assert model.score([text])[0][1] is tone


@pytest.mark.parametrize(
    "text",
    ["", "   \n", "http://t.cn/A6abc", "12:30!!!", "@某人", "🈶", "ありがとう、とても嬉しい",
     "정말 좋아요", "Большое спасибо", "kita pergi ke pasar hari ini"],
)  # fmt: skip
def test_what_cannot_be_read_says_nothing(model: ToneModel, text: str) -> None:
    assert model.score([text]) == [(UNREAD, Tone.UNSURE)]


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("Worst customer service ever, I hate this company", Tone.NEGATIVE),
        ("Love my new kettle, it works great!", Tone.POSITIVE),
        ("The shop opens at nine", Tone.UNSURE),
        ("This is terrible, they never answer 好", Tone.NEGATIVE),  # one character is no Chinese
        ("iPhone 的电池太垃圾了，骗子公司", Tone.NEGATIVE),
        ("今天收到新的 MacBook，很开心，谢谢大家！", Tone.POSITIVE),
        ("😭😡", Tone.NEGATIVE),
        ("👍👍👏", Tone.POSITIVE),
    ],
)
def test_english_mixed_posts_and_pictures_get_a_tone(
    model: ToneModel, text: str, tone: Tone
) -> None:
    negative, found = model.score([text])[0]
    assert found is tone
    assert (negative > 0.5) is (tone is Tone.NEGATIVE)


def test_the_english_lexicon_is_not_loaded_for_chinese() -> None:
    code = (
        "import sys; from watchers.tone import ToneModel; m = ToneModel.load()\n"
        "m.score(['骗子公司', 'ありがとう']); print('vader' in sys.modules)\n"
        "m.score(['bad']); print('vader' in sys.modules)"
    )
    assert output(code) == "False\nTrue"


@pytest.mark.parametrize(
    "text", ["好" * 20_000, "坏！" * 10_000, "\ud800坏", "\x00\r\n骗", "[怒]", "🈶"]
)
def test_no_text_breaks_it(model: ToneModel, text: str) -> None:
    ((negative, tone),) = model.score([text])
    assert 0 <= negative <= 1
    assert tone in Tone


@pytest.mark.parametrize(
    "text",
    [
        "太棒了[赞][赞]，垃圾公司骗子[赞][赞][赞]",
        "太垃圾了！再也不来了！但是老板人很好很好，爱你爱你哈哈哈哈",
    ],
)
def test_praise_beside_a_complaint_is_unsure(model: ToneModel, text: str) -> None:
    (row,) = model.probabilities([text])
    assert row[2] >= model.cuts.positive  # as a whole it would pass for positive
    assert model.score([text])[0][1] is Tone.UNSURE


def test_repeated_words_of_others_do_not_count(model: ToneModel) -> None:
    alone, behind = model.score(
        ["今天很开心，谢谢大家！", "今天很开心，谢谢大家！//@某人:骗子公司"]
    )
    assert alone == behind


@pytest.mark.parametrize("own", ["", "转发微博", "同意", "[怒]", "?"])
def test_a_repost_without_words_of_its_own_is_read_as_what_it_repeats(own: str) -> None:
    text = f"{own}//@某人:骗子公司"
    assert own_words(text) == text


def test_words_of_one_s_own_stand_alone() -> None:
    assert own_words("回复@某人:我很喜欢//@别人:骗子公司") == "我很喜欢"


def test_a_score_does_not_depend_on_the_company_it_keeps(model: ToneModel) -> None:
    texts = [text for _, text in rows()] + ["", "字" * 70_000, "骗"]
    together = model.score(texts)
    singly = [model.score([text])[0] for text in texts]
    assert [tone for _, tone in together] == [tone for _, tone in singly]
    assert np.allclose([p for p, _ in together], [p for p, _ in singly], atol=1e-5)
    assert model.score([]) == []


def output(code: str) -> str:
    """Return what CODE prints in an interpreter of its own."""
    done = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_scoring_imports_nothing_that_is_heavy() -> None:
    code = (
        "import sys; from watchers.tone import ToneModel; ToneModel.load().score(['骗子公司'])\n"
        "heavy = {'snownlp', 'sklearn', 'scipy', 'pypinyin', 'vader', 'matplotlib'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    assert output(code) == "[]"


# ----------------------------------------------------------------------------------- figures
# Floors a little below the figures of the model card: a worse model or a broken hash shows here.
@pytest.mark.parametrize(
    ("name", "floors"),
    [
        ("smp_usual_eval", (0.89, 0.945, 0.95, 0.73, 0.04)),
        ("smp_virus_eval", (0.86, 0.935, 0.895, 0.55, 0.06)),
    ],
)
def test_the_shipped_model_keeps_its_figures(
    model: ToneModel, shared: Path, name: str, floors: tuple[float, ...]
) -> None:
    found = evaluate(model, list(read_labels(shared / "data" / "sentiment" / f"{name}.tsv.gz")))
    accuracy, clear, all_, caught, error = floors
    assert found.accuracy >= accuracy
    assert found.auc >= clear
    assert found.nvr_auc >= all_
    assert found.recall_at_5 >= caught
    assert found.ece <= error


def test_few_complaints_pass_for_praise(model: ToneModel, shared: Path) -> None:
    labelled = list(read_labels(shared / "data" / "sentiment" / "smp_usual_eval.tsv.gz"))
    tones = [tone for _, tone in model.score([text for _, text in labelled])]
    bad = [tone for (label, _), tone in zip(labelled, tones, strict=True) if label == -1]
    assert bad.count(Tone.NEGATIVE) / len(bad) > 0.8
    assert bad.count(Tone.POSITIVE) / len(bad) < 0.06


def test_the_metrics_of_a_case_done_by_hand() -> None:
    scores, truth = np.array([0.9, 0.8, 0.8, 0.1]), np.array([True, False, True, False])
    assert auc(scores, truth) == pytest.approx(3.5 / 4)  # four pairs, one of them tied
    assert recall(scores, truth, 0.05) == pytest.approx(0.5)
    rows = reliability(scores, truth)
    assert [n for _, _, n in rows] == [1, 2, 1]
    assert rows[1] == pytest.approx((0.8, 0.5, 2))


def test_figures_need_both_sides(model: ToneModel) -> None:
    with pytest.raises(BadInput, match="no negative or no positive"):
        evaluate(model, [(1, "好")])


def test_emoticons_are_taken_out_and_words_stay() -> None:
    assert (
        without_emoticons("好[泪]吧😡！[这个方括号里的话太长了]")
        == "好吧！[这个方括号里的话太长了]"
    )


# ------------------------------------------------------------------------- SnowNLP's own Bayes
def test_the_compiled_weights_answer_as_snownlp_does(model: ToneModel) -> None:
    from snownlp.classification import bayes  # noqa: PLC0415  # it is slow to import

    texts = [text for _, text in rows()] + ["一句没有见过的话"]
    words = model.reader.cut(texts)
    theirs = bayes.Bayes()
    theirs.train(
        [(w, "neg" if n < 0 else "pos") for w, (n, _) in zip(words, rows(), strict=False) if n]
    )
    ours = CompiledBayes.compile(theirs.d)
    odds = ours.log_odds(model.reader.read(texts))
    for post, log_odds in zip(words, odds.tolist(), strict=True):
        name, probability = theirs.classify(post)
        negative = probability if name == "neg" else 1 - probability
        assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(negative, abs=1e-9)


def test_two_classifiers_joined_have_seen_what_both_have_seen() -> None:
    from snownlp.classification import bayes  # noqa: PLC0415

    def learnt(*parts: tuple[list[str], str]) -> CompiledBayes:
        classifier = bayes.Bayes()
        classifier.train(parts)
        return CompiledBayes.compile(classifier.d)

    first = [(["坏", "差"], "neg"), (["好", "坏"], "pos")]
    second = [(["差", "烂"], "neg"), (["好", "棒"], "pos")]
    joined, whole = learnt(*first).joined(learnt(*second)), learnt(*first, *second)
    asked = word_hashes(["坏", "差", "烂", "好", "棒", "新"])
    assert np.allclose(joined.look_up(asked), whole.look_up(asked))
    assert joined.prior == pytest.approx(whole.prior)


# ------------------------------------------------------------------------------------ training
def test_a_trained_model_tells_its_labels_apart_and_survives_its_file(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    found = train({"a.tsv": rows()}, now=NOW, progress=lambda *step: steps.append(step))
    path = tmp_path / "own.npz"
    found.model.save(path)
    read = ToneModel.load(path)
    assert steps[-1][0] == steps[-1][1] == len(steps)
    assert read.version == found.model.version
    assert read.version.startswith("2026-03-03-")
    assert read.card["trained_on"] == {"a.tsv": 180}
    texts = [text for _, text in rows()]
    assert read.score(texts) == found.model.score(texts)
    assert evaluate(read, rows()).accuracy > 0.95
    assert found.held_out.shape == (180, 3)


def test_a_model_may_learn_without_neutral_posts_and_with_hints() -> None:
    found = train({"b": rows((-1, 1))}, now=NOW, hints={"c": rows((-1, 0, 1), each=30)})
    assert found.model.score([BAD[1]])[0][0] > 0.5 > found.model.score([GOOD[1]])[0][0]
    assert found.model.card["hints"] == {"c": 60}


def test_a_hint_tells_what_the_rows_never_met() -> None:
    new = [
        (-1 if i % 2 else 1, ("漏水" if i % 2 else "划算") + "的水壶" * (i % 3)) for i in range(200)
    ]
    alone = train({"a": rows()}, now=NOW).model.score(["漏水", "划算"])
    told = train({"a": rows()}, now=NOW, hints={"h": new}).model.score(["漏水", "划算"])
    assert told[0][0] - told[1][0] > alone[0][0] - alone[1][0]


def test_few_corrections_mend_a_model_and_it_forgets_nothing(
    model: ToneModel, shared: Path
) -> None:
    """A word of a trade that the shipped model takes for praise becomes a complaint."""
    said: list[Row] = [(-1, f"这台水壶真能喷，第{n}次{'喷泉' * (n % 3)}") for n in range(30)]
    said += [(1, f"这台水壶不喷，第{n}次{'安静' * (n % 3)}") for n in range(30)]
    found = train({"corrections": said}, now=NOW, start=model)
    mended = found.model
    assert mended.card["start"] == model.version
    (before, after) = (m.score(["这台水壶真能喷"])[0][0] for m in (model, mended))
    assert before < 0.5 < after
    assert mended.score(["这台水壶不喷"])[0][0] < 0.5
    labelled = list(read_labels(shared / "data" / "sentiment" / "smp_usual_eval.tsv.gz"))
    assert evaluate(mended, labelled).nvr_auc > evaluate(model, labelled).nvr_auc - 0.01


def test_the_last_word_on_a_text_counts() -> None:
    wrong = [(-label, text) for label, text in rows()]
    found = train({"file": wrong, "corrections": rows()}, now=NOW)
    assert len(found.texts) == 180
    assert evaluate(found.model, rows()).accuracy > 0.95


@pytest.mark.parametrize("labels", [(-1,), (1, 0), ()])
def test_a_label_with_few_rows_is_refused(labels: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match=r"0 rows are labelled .*; at least 50"):
        train({"a": rows(labels)}, now=NOW)


def test_training_without_scikit_learn_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "watchers.tone.training", raising=False)
    monkeypatch.delattr(watchers.tone, "training", raising=False)
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(BadInput, match="uv sync --extra train"):
        train({"a": rows()}, now=NOW)


# --------------------------------------------------------------------------------------- files
def test_labels_are_read_plain_and_zipped(tmp_path: Path) -> None:
    lines = "\ufeff-1\t坏\r\n\n0\t有\t两个制表符\n+1\t好\n".encode()
    (tmp_path / "plain.tsv").write_bytes(lines)
    (tmp_path / "zipped").write_bytes(gzip.compress(lines))
    wanted = [(-1, "坏"), (0, "有\t两个制表符"), (1, "好")]
    assert list(read_labels(tmp_path / "plain.tsv")) == wanted
    assert list(read_labels(tmp_path / "zipped")) == wanted


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"-1 no tab", "no tab"),
        (b"2\ttext", "label is '2'"),
        (b"1\t\xff\xfe", "not UTF-8"),
    ],
)
def test_a_bad_line_is_named_with_its_place(tmp_path: Path, line: bytes, fault: str) -> None:
    path = tmp_path / "labels.tsv"
    path.write_bytes("1\t好\n".encode() + line + b"\n")
    with pytest.raises(BadInput, match=fault) as caught:
        list(read_labels(path))
    assert f"{path}:2" in str(caught.value)


def test_a_file_that_is_not_there_or_cut_off_is_named(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress("1\t好\n".encode() * 1000)[:-12])
    for path in (tmp_path / "none.tsv", cut):
        with pytest.raises(BadInput, match=path.name):
            list(read_labels(path))


def broken(case: str, path: Path) -> None:
    """Write to PATH a model file that is broken in the way CASE says."""
    if case == "text":
        path.write_text("no model")
    elif case == "cut":
        path.write_bytes(SHIPPED.read_bytes()[:100_000])
    elif case == "changed":
        with np.load(SHIPPED) as file:
            arrays = {name: file[name] for name in file.files}
        arrays["cuts"] = arrays["cuts"] / 2
        np.savez(path, **arrays)
    elif case == "other arrays":
        np.savez(path, weights=np.ones(3))


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        ("absent", "no such file"),
        ("text", "no model file"),
        ("cut", "no model file"),
        ("changed", "do not fit its hash"),
        ("other arrays", "do not fit its hash"),
    ],
)
def test_a_broken_model_file_is_named_with_its_mend(tmp_path: Path, case: str, fault: str) -> None:
    path = tmp_path / "model.npz"
    broken(case, path)
    with pytest.raises(BadModel, match=fault) as caught:
        ToneModel.load(path)
    assert str(path) in str(caught.value)
    assert "fenghuo train" in str(caught.value)


def test_the_shipped_file_is_small_and_says_what_it_learnt_from(model: ToneModel) -> None:
    assert SHIPPED.stat().st_size <= 5_000_000
    card = SHIPPED.with_name("MODEL_CARD.md").read_text(encoding="utf-8")
    assert model.version in card
    assert all(name in card for name in model.card["trained_on"])
    assert not [name for name in model.card["trained_on"] if "eval" in name]
