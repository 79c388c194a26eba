"""Invented incidents as the store would hold them, for tests of messages and for their pictures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.messages import Clock, Duty, Plan
from watchers.model import (
    Client,
    Figures,
    Incident,
    Kind,
    Outcome,
    Person,
    Proof,
    Quote,
    Role,
    Severity,
    SourceNote,
    Stage,
    State,
    Step,
    Trend,
)

NOW = datetime(2026, 11, 24, 12, 20, tzinfo=UTC)  # 20:20 in China
T0 = NOW
CLIENT = Client(
    id="aulane",
    name="Aulane",
    names=("奥岚", "Aulane"),
    companions=("取暖器",),
    exclude=("奥兰多",),
    channel="C0AULANE",
    people=(Person(slack="U0LINA", role=Role.DUTY_OFFICER),),
)
NAMES = {"U0LINA": "Li Na", "U0CHEN": "Chen Wei"}

PLAN = Plan(
    name="Product safety or quality",
    name_zh="产品质量安全",
    ack=timedelta(minutes=15),
    ack_step="c1",
    clocks=(
        Clock(label="draft", due=timedelta(hours=1), step="c7"),
        Clock(label="first word", due=timedelta(hours=4), step="p4"),
    ),
    wrong_moves=(
        "Refusing to admit any fault to a single loud user, then a late free repair",
        "Leading with a lawsuit",
    ),
    duties=(
        Duty(
            duty="Tell the authority and consumers; stop sale, warn, recall, destroy",
            cite="Consumer Rights Law art. 19",
            when="at once",
            start="a defect that endangers people or property",
            verify="which regulator",
        ),
        Duty(duty="Fraud: 3 times the price, at least RMB 500", cite="Consumer Rights Law art. 55"),
    ),
    statement_zh="我们注意到{time}关于{place_or_product}的反映。如您受到影响，请联系{contact}。",
    statement_en="We have seen reports about {place_or_product} on {time}. Contact {contact}.",
    must_not=("speculation on the cause", "blame"),
    approval=("writer", "account_lead", "legal", "client_comms"),
)


def quote(text: str = "刚买三天的奥岚取暖器半夜自燃，窗帘烧了一半", **changes: object) -> Quote:
    """Return a stored post; CHANGES replace its fields."""
    first = Quote(
        source="weibo",
        post_id="5001",
        url="https://weibo.com/1234567/PabcD1",
        text=text,
        who="示例甲",
        followers=8214,
        verified=False,
        at=NOW - timedelta(minutes=38),
        reposts=1912,
        negative=0.97,
        cluster_size=39,
        types=("product_safety",),
    )
    return replace(first, **changes)  # type: ignore[arg-type]


QUOTES = (
    quote(),
    quote(
        "同款，也冒烟了，客服让我自己拔插头",
        post_id="5002",
        who="示例乙",
        followers=312,
        at=NOW - timedelta(minutes=9),
        reposts=44,
        cluster_size=1,
    ),
    quote(
        "转给家里有老人的朋友：奥岚取暖器先别用",
        post_id="5003",
        who="示例丙消费观察",
        followers=1_120_000,
        verified=True,
        at=NOW - timedelta(minutes=4),
        reposts=640,
        cluster_size=3,
    ),
)


def step(id_: str, owner: str, do: str, minutes: int, gate: str | None = None) -> Step:
    return Step(id=id_, owner=owner, do=do, due_at=T0 + timedelta(minutes=minutes), gate=gate)


STEPS = (
    step("c1", "duty_officer", "Acknowledge in Slack; read the three most-shared posts", 15),
    step("c2", "scribe", "Save evidence: screenshots with time and address, author, counts", 20),
    step("c7", "writer", "Holding statement drafted in Chinese and English", 60),
    step("p1", "product_qa", "Model, batch, quantity, other cases in service records", 60),
    step("p3", "legal", "Does it endanger people or property? Tell the authority at once", 120),
    step("p4", "client_comms", "Say what users should do now (stop use)", 240, "approval"),
)


def incident(**changes: object) -> Incident:
    """Return sample A: product safety, S2, just opened; CHANGES replace its fields."""
    first = Incident(
        number=204,
        client="aulane",
        type="product_safety",
        type_terms=("自燃", "冒烟了"),
        severity=Severity.S2,
        reasons=("Product safety or quality: starts at S2",),
        state=State.OPEN,
        stage=Stage.FERMENT,
        trend=Trend.RUNNING,
        opened_at=T0,
        first_post_at=NOW - timedelta(minutes=38),
        updated_at=NOW,
        rev=1,
        figures=Figures(
            at=NOW,
            count=25,
            with_reposts=62,
            authors=23,
            usual=4.0,
            negative_share=0.71,
            total=31,
            peak=25,
            peak_at=NOW,
        ),
        lead=QUOTES[0],
        proofs=(
            proof(Stage.SEED, 38),
            proof(Stage.FERMENT, 0),
        ),
        sources=(
            SourceNote(source="feed", outcome=Outcome.OK_EMPTY, ok_at=NOW - timedelta(minutes=6)),
            SourceNote(source="weibo", outcome=Outcome.OK, ok_at=NOW - timedelta(minutes=2)),
        ),
        steps=STEPS,
        channel="C0AULANE",
        headline='heater "caught fire" posts',
        why="25 distinct posts in 60 min, 6.2 times the usual 4",
        source="weibo",
    )
    return replace(first, **changes)  # type: ignore[arg-type]


def proof(stage: Stage, minutes_ago: int, who: str = "示例甲") -> Proof:
    return Proof(
        stage=stage,
        at=NOW - timedelta(minutes=minutes_ago),
        source="weibo",
        post_id="5001",
        url="https://weibo.com/1234567/PabcD1",
        who=who,
    )


def sample_b() -> Incident:
    """Return sample B: national sentiment, small but S1, acknowledged, three stages."""
    return incident(
        number=207,
        type="national_sentiment",
        type_terms=("滚出中国",),
        severity=Severity.S1,
        reasons=(
            "National sentiment: starts at S1",
            "Stage portal: news portal, at least S2",
        ),
        state=State.ACKNOWLEDGED,
        stage=Stage.PORTAL,
        owner="U0LINA",
        acknowledged_at=T0 + timedelta(minutes=3),
        figures=replace(incident().figures, count=23, with_reposts=31, authors=19, usual=2.0),
        lead=quote(
            "欧薇尔官网把台湾列为国家，滚出中国", who="示例乙", followers=1_100_000, verified=True
        ),
        proofs=(
            proof(Stage.SEED, 74),
            proof(Stage.AMPLIFY, 66, "示例乙"),
            proof(Stage.PORTAL, 0, "示例新闻网"),
        ),
        sources=(
            SourceNote(source="weibo", outcome=Outcome.OK, ok_at=NOW - timedelta(minutes=1)),
            SourceNote(
                source="feed",
                outcome=Outcome.BLOCKED,
                ok_at=NOW - timedelta(hours=6),
                detail="a wall page",
            ),
        ),
        headline='country list on site "港澳台列为国家"',
    )


def sample_c() -> Incident:
    """Return sample C: a rumour, answered and closed after a day."""
    closed = T0 + timedelta(hours=26)
    return incident(
        number=198,
        type="rumour",
        type_terms=("跑路",),
        state=State.RESOLVED,
        stage=Stage.PORTAL,
        trend=Trend.FADE,
        owner="U0CHEN",
        acknowledged_at=T0 + timedelta(minutes=4),
        closed_at=closed,
        closed_by="U0CHEN",
        close_reason="answered and calm: both portals corrected it",
        figures=Figures(
            at=closed,
            count=6,
            with_reposts=6,
            authors=6,
            usual=5.0,
            negative_share=0.31,
            total=1204,
            peak=310,
            peak_at=T0 + timedelta(hours=1),
        ),
        lead=quote("听说北桥要跑路，转账都停了", who="示例丙", followers=12),
        proofs=(proof(Stage.SEED, 9), proof(Stage.PORTAL, -60, "示例新闻网")),
        steps=tuple(
            replace(s, done_by="U0CHEN", done_at=T0 + timedelta(minutes=121))
            if s.id in ("c7", "p4")
            else s
            for s in STEPS
        ),
        headline='"transfers stopped" rumour, answered',
    )


def article() -> Quote:
    return quote(
        "示例市：取暖器起火原因正在调查",
        kind=Kind.ARTICLE,
        source="feed",
        who="示例新闻网",
        followers=None,
        verified=None,
        reposts=None,
        cluster_size=1,
        url="https://news.example/heater",
    )
