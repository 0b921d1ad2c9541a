"""Rollouts: started, advanced from wave to wave, and steered by people.

Everything is decided on the locked row of the rollout.
"""

from firewalls.pushing.rollouts.advancing import advance
from firewalls.pushing.rollouts.starting import MOST, start
from firewalls.pushing.rollouts.steering import pause, resume, retry, roll_back, stop

__all__ = ["MOST", "advance", "pause", "resume", "retry", "roll_back", "start", "stop"]
