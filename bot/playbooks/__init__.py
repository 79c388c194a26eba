"""The playbooks: one YAML a crisis type beside this file, `defaults.yaml` for what holds for all.

To add a type, write one file with the keys of the others; its `example` is a post that it must be
chosen for, and the tests find both.
"""

from bot.playbooks.loader import load
from bot.playbooks.values import Playbook, Playbooks, Tally

__all__ = ["Playbook", "Playbooks", "Tally", "load"]
