"""What may be done with a rollout that was started: the same at every door."""

from collections.abc import Callable
from dataclasses import dataclass

from firewalls.models import Rollout
from firewalls.pushing import rollouts


@dataclass(frozen=True, slots=True)
class Action:
    """`act` takes the rollout and who acts; it returns another rollout where it has made one.

    It raises ValidationError where the state of the rollout does not allow it.
    """

    act: Callable[[Rollout, str], Rollout | None]
    meaning: str
    done: str  # what is said once it is done


ACTIONS = {
    "pause": Action(
        rollouts.pause,
        "Begin nothing more until it is resumed; what runs goes to its end.",
        "It is paused: what runs goes to its end.",
    ),
    "resume": Action(
        rollouts.resume, "Go on with what waits, where it was paused or has stopped.", "It goes on."
    ),
    "stop": Action(
        rollouts.stop,
        "Leave the rest as it is; what runs goes to its end.",
        "It has stopped: what runs goes to its end, the rest is left as it is.",
    ),
    "retry": Action(
        rollouts.retry,
        "Try exactly those again that failed. What waits goes on waiting until it is resumed.",
        "What failed is tried again.",
    ),
    "roll-back": Action(
        rollouts.roll_back,
        "Stop it, and bring what it has changed back to what was there before;"
        " answers with the rollout that does so.",
        "This rollout brings back what was there before.",
    ),
}
