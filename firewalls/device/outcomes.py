"""How a push ended, by what the applier answered: sentences for people."""

from dataclasses import dataclass

from firewalls.device.protocol import Progress
from firewalls.device.target import TransportError

LONGEST = 500  # characters of a firewall's own words in a sentence of ours


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a push ended, in one of four words, and why, as a sentence for people.

    `refused`: nothing was changed. `confirmed`. `rolled_back`: the firewall said that it went back.
    `unseen`: it may run the old or the new. `problem`: why it could not be asked any more.
    """

    state: str
    error: str = ""
    problem: TransportError | None = None

    @property
    def unreachable(self) -> bool:
        """Whether the firewall did not answer any more."""
        return self.problem is not None and self.problem.unreachable


@dataclass(frozen=True, slots=True)
class Ending:
    """What an answer means: how the step `confirm` ended, with its output, and so the push."""

    state: str
    output: str
    outcome: Outcome


def confirm_answer(name: str, answer: str, verdict: str, problem: str) -> Ending | None:
    """What a firewall's answer to `confirm` means after this verdict; None if it cannot tell."""
    because = f": {problem}" if problem else "."
    match answer:
        case "confirmed":
            return Ending("ok", "reached over a new connection", Outcome("confirmed"))
        case "rolled back":
            gone_back = f"has gone back to what it had before{because}"
            error = f"{name} was not confirmed in time and {gone_back}"
            return Ending("failed", f"The firewall {gone_back}", Outcome("rolled_back", error))
        case "failed" | "refused":
            output = "The firewall has refused; nothing was changed."
            error = f"{name} refused; nothing was changed. Why was not heard{because}"
            return Ending("failed", output, Outcome("refused", error))
        case "unknown" if verdict == "applied":
            output = "A later push has replaced this one."
            error = f"{name} was given another configuration before this one was confirmed."
            return Ending("failed", output, Outcome("unseen", error))
    return None


def not_applied(name: str, progress: Progress) -> Outcome:
    """The applier's own verdict where it has not applied: which step failed, and why."""
    step = progress.failed
    failed_at = step.name if step else "a step"
    reason = step.output.splitlines()[0] if step and step.output else "it gave no reason"
    reason = reason[:LONGEST]
    match progress.verdict:
        case "failed" | "refused":
            error = f"{name} refused at {failed_at}; nothing was changed: {reason}"
            return Outcome("refused", error)
        case "rolled-back":
            error = f"{name} failed at {failed_at} and went back: {reason}"
            if not progress.is_back:
                error = f"{error} Not all is as it was before: see the step roll-back."
            return Outcome("rolled_back", error)
    if progress.verdict != "unknown":
        word = progress.verdict[:LONGEST]
        return Outcome("unseen", f"{name} ended with {word!r}, which is no verdict.")
    error = f"{name} failed at {failed_at} and could not go back yet; it tries again by itself"
    return Outcome("unseen", f"{error}: {reason}")


def never_confirmed(name: str, rollback_seconds: float, problem: str) -> str:
    """The sentence where the firewall could not be asked, so that nobody knows what it runs."""
    return (
        f"{name} could not be asked to keep its new configuration: {problem} It goes back by itself"
        f" {rollback_seconds:g} seconds after applying, but that was not seen."
    )


def unforeseen(name: str, error: str) -> str:
    """The sentence where a mistake of this side ended the talk with a firewall that had begun."""
    return (
        f"Something unforeseen went wrong here ({error}) after {name} had begun; see the log."
        " It goes back by itself, but that was not seen."
    )
