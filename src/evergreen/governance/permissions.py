"""Which actor may do what, asked before every message."""

from __future__ import annotations

from evergreen.core.errors import Denied
from evergreen.core.message import Permission

__all__ = ["OWNER", "WORKER", "authorise"]

OWNER = "owner"
"""Whoever uses this home on this machine."""
WORKER = "worker"
"""Jobs that rules and schedules set off."""

ROLES = {
    OWNER: frozenset(Permission),
    WORKER: frozenset(Permission) - {Permission.MAINTAIN},
}


def authorise(actor: str, permission: Permission) -> None:
    """Raise ``Denied`` unless ``actor`` may do what needs ``permission``. ``worker:NAME`` has the role of workers."""
    role, _, _ = actor.partition(":")
    if permission not in ROLES.get(role, frozenset()):
        raise Denied(f'actor "{actor}" may not do this: it needs the permission "{permission.value}"')
