"""Which posts are one story."""

from tests.watchers.matching_cases import post
from watchers.clusters import Clusters
from watchers.model import Kind


def test_the_same_text_is_one_cluster_that_its_first_post_leads() -> None:
    clusters = Clusters()
    assert clusters.assign(post("骑云司机半路甩客", "1")) == ("weibo:1", True)
    assert clusters.assign(post("骑云司机半路甩客！！[怒]", "2")) == ("weibo:1", False)


def test_a_repost_joins_the_cluster_of_what_it_reposts() -> None:
    clusters = Clusters()
    clusters.assign(post("骑云司机半路甩客", "1"))
    repost = post("太过分了", "2", kind=Kind.REPOST, parent="1")
    assert clusters.assign(repost) == ("weibo:1", False)
