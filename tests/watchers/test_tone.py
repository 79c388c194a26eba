"""Tone: the shipped model's figures, odd texts, files that are broken, and SnowNLP's own answer."""

import gzip
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from watchers.errors import BadInput, BadModel
from watchers.model import Tone
from watchers.tone import ToneModel, evaluate, read_labels, train
from watchers.tone.bayes import Bayes
from watchers.tone.measuring import auc, recall, reliability
from watchers.tone.model import SHIPPED
from watchers.tone.reading import clean, lay, without_emoticons

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
    "text", ["", "   \n", "http://t.cn/A6abc", "good morning", "12:30!!!", "@某人", "ありがとう"]
)
def test_what_holds_no_chinese_says_nothing(model: ToneModel, text: str) -> None:
    assert model.score([text]) == [(model.cuts.base, Tone.UNSURE)]


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


def test_a_repost_without_a_word_is_read_as_what_it_repeats() -> None:
    assert clean("//@某人:骗子公司 http://t.cn/abc") == "骗子公司"


def test_a_score_does_not_depend_on_the_company_it_keeps(model: ToneModel) -> None:
    texts = [text for _, text in rows()] + ["", "字" * 70_000, "骗"]
    together = model.score(texts)
    singly = [model.score([text])[0] for text in texts]
    assert [tone for _, tone in together] == [tone for _, tone in singly]
    assert np.allclose([p for p, _ in together], [p for p, _ in singly], atol=1e-5)
    assert model.score([]) == []


def test_scoring_imports_neither_snownlp_nor_scikit_learn() -> None:
    code = (
        "import sys; from watchers.tone import ToneModel; ToneModel.load().score(['骗子公司'])\n"
        "print(sorted({'snownlp', 'sklearn', 'scipy'} & sys.modules.keys()))"
    )
    done = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


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
        == "好 吧 ！[这个方括号里的话太长了]"
    )


# ------------------------------------------------------------------------- SnowNLP's own Bayes
def test_the_compiled_weights_answer_as_snownlp_does() -> None:
    from snownlp.classification import bayes  # noqa: PLC0415  # it is slow to import

    texts = [clean(text) for _, text in rows()]
    batch = lay([*texts, "一句没有见过的话", ""])
    ends = [*batch.word_posts[1:].tolist(), len(batch.words) - 1]
    words = [batch.words[a + 1 : b] for a, b in zip(batch.word_posts, ends, strict=True)]
    theirs = bayes.Bayes()
    named = [(w, "neg" if n < 0 else "pos") for w, (n, _) in zip(words, rows(), strict=False) if n]
    theirs.train(named)
    ours = Bayes.compiled({name: prob.d for name, prob in theirs.d.items()})
    odds, _ = ours.log_odds(batch.words, batch.word_posts)
    for post, log_odds in zip(words, odds.tolist(), strict=True):
        name, probability = theirs.classify(post)
        negative = probability if name == "neg" else 1 - probability
        assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(negative, abs=1e-9)


# ------------------------------------------------------------------------------------ training
def test_a_trained_model_tells_its_labels_apart_and_survives_its_file(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    trained = train(rows(), names=["a.tsv"], now=NOW, progress=lambda *step: steps.append(step))
    path = tmp_path / "own.npz"
    trained.save(path)
    read = ToneModel.load(path)
    assert steps[-1][0] == steps[-1][1] == len(steps)
    assert read.version == trained.version
    assert read.version.startswith("2026-03-03-")
    assert read.card["trained_on"] == ["a.tsv"]
    texts = [text for _, text in rows()]
    assert read.score(texts) == trained.score(texts)
    assert evaluate(read, rows()).accuracy > 0.95


def test_a_model_may_learn_without_neutral_posts_and_with_hints() -> None:
    trained = train(rows((-1, 1)), names=["b"], now=NOW, hints=[rows((-1, 1), each=30)])
    assert trained.score([BAD[1]])[0][0] > 0.5 > trained.score([GOOD[1]])[0][0]


@pytest.mark.parametrize("labels", [(-1,), (1, 0), ()])
def test_a_label_with_few_rows_is_refused(labels: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match=r"0 rows are labelled .*; at least 50"):
        train(rows(labels), names=[], now=NOW)


def test_training_without_scikit_learn_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(BadInput, match="uv sync --extra train"):
        train(rows(), names=[], now=NOW)


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
