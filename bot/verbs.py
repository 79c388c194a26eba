"""All verbs of `fenghuo`, in the order that help shows them."""

from bot import keeping, offline, running

VERBS = (*running.VERBS, *keeping.VERBS, *offline.VERBS)
