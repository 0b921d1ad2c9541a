"""How a push ended, by what the applier answered: sentences for people."""

from dataclasses import dataclass

from firewalls.device.protocol import Progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a push ended: confirmed, rolled_back or failed, and why, as a sentence for people.

    `unreachable`: the firewall did not answer any more. `offered_key`: the host key that it showed
    and that is not the pinned one.
    """

    state: str
    error: str = ""
    unreachable: bool = False
    offered_key: str = ""


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
        case "failed":
            output = "The firewall has refused; nothing was changed."
            error = f"{name} refused; nothing was changed. Why was not heard{because}"
            return Ending("failed", output, Outcome("failed", error))
        case "unknown" if verdict == "applied":
            output = "A later push has replaced this one."
            error = f"{name} was given another configuration before this one was confirmed."
            return Ending("failed", output, Outcome("failed", error))
    return None


def not_applied(name: str, progress: Progress) -> Outcome:
    """The applier's own verdict where it has not applied: which step failed, and why."""
    step = progress.failed
    failed_at = step.name if step else "a step"
    reason = step.output.splitlines()[0] if step and step.output else "it gave no reason"
    match progress.verdict:
        case "failed":
            error = f"{name} refused at {failed_at}; nothing was changed: {reason}"
            return Outcome("failed", error)
        case "rolled-back":
            error = f"{name} failed at {failed_at} and went back: {reason}"
            if not progress.is_back:
                error = f"{error} Not all is as it was before: see the step roll-back."
            return Outcome("rolled_back", error)
    error = f"{name} failed at {failed_at} and could not go back yet; it tries again by itself"
    return Outcome("failed", f"{error}: {reason}")


def never_confirmed(name: str, rollback_seconds: float, problem: str) -> str:
    """The sentence where the firewall could not be asked, so that nobody knows what it runs."""
    return (
        f"{name} could not be asked to keep its new configuration: {problem} It goes back by itself"
        f" {rollback_seconds:g} seconds after applying, but that was not seen."
    )
