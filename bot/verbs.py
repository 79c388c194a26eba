"""All verbs of `fenghuo`, in the order that help shows them."""

from bot import keeping, offline, running, sources

VERBS = (*running.VERBS, *sources.VERBS, *keeping.VERBS, *offline.VERBS)
