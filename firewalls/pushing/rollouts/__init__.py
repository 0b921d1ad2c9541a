"""Rollouts: started, advanced from wave to wave, and steered by people.

Some begin by themselves, where a partition says so (`automatic`). The pushes of a rollout are its
own (`queueing`); which push of a firewall comes first is decided by when it was asked for.

Everything is decided on the locked row of the rollout.
"""

from firewalls.pushing.rollouts.advancing import advance, too_many
from firewalls.pushing.rollouts.automatic import begin_behind
from firewalls.pushing.rollouts.starting import MOST, start
from firewalls.pushing.rollouts.steering import (
    changed_by,
    pause,
    resume,
    retry,
    roll_back,
    start_now,
    stop,
)

__all__ = [
    "MOST",
    "advance",
    "begin_behind",
    "changed_by",
    "pause",
    "resume",
    "retry",
    "roll_back",
    "start",
    "start_now",
    "stop",
    "too_many",
]
