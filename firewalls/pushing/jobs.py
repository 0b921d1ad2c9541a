"""What a worker runs once it has claimed it: pushes and inspections, as the engine knows them."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from firewalls.device.transport import Order, Step, Stop, Survey, Target
from firewalls.device.versions import Version
from firewalls.models import Firewall, Push, Retired, SshAccess

# What `target_of` looks at, and what is known of it.
REACHED_BY = ("machine__partition__ssh_access__seen", "ssh_access__seen")


class ClaimLost(Stop):
    """The push was taken for lost and belongs to another worker now; this one stops silently."""


@dataclass(eq=False)
class PushJob:
    """A claimed push: what is to be put on the firewall, and how far that is."""

    push: Push
    files: dict[str, str]
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: bool = True  # since its progress was last written to the database
    claim_lost: bool = False
    unwritable: bool = False  # its steps: they are left out of what is written while it runs
    adopted: Collection[str] = ()  # digests of units of others that a person has adopted
    version: Version | None = None  # of the applier that was met
    survey: Survey | None = None  # what the firewall had, where it was looked at

    @property
    def order(self) -> Order:
        """What to do beyond putting files there: the first push looks at what there is."""
        is_first = self.push.firewall.observation.applied_id is None
        adopted = tuple(self.adopted)
        return Order(adopted, self.gives_back, is_first, self.note_survey, self.note_version)

    @property
    def gives_back(self) -> bool:
        """Whether it restores what the firewall had before the first push."""
        return self.push.revision is not None and self.push.revision.number == 0

    @property
    def has_news(self) -> bool:
        """Whether steps of it are to be written down."""
        return self.changed and not self.unwritable

    def note_survey(self, survey: Survey) -> None:
        """Note what the firewall has, to be written to the database when the push ends."""
        self.survey = survey

    def note_version(self, version: Version) -> None:
        """Note which applier the firewall has, to be written to the database when the push ends."""
        self.version = version

    @property
    def target(self) -> Target:
        return target_of(self.push.firewall)

    @property
    def step_list(self) -> list[dict[str, Any]]:
        """The steps as the row has them."""
        return list(self.steps.values())

    async def record_step(self, step: Step) -> None:
        """Note a step, to be written to the database soon. Raises ClaimLost."""
        if self.claim_lost:
            raise ClaimLost
        self.steps[step.name] = asdict(step)
        self.changed = True


@dataclass(eq=False)
class InspectionJob:
    """A firewall that this worker is to inspect.

    `unseen`: its last push was not seen to its end, so what that sent may be there.
    """

    firewall: Firewall
    unseen: bool = False

    @property
    def may_have_ours(self) -> bool:
        """Whether to compare what is there with ours; else it has what somebody else gave it."""
        return self.unseen or self.firewall.observation.applied_id is not None

    @property
    def target(self) -> Target:
        return target_of(self.firewall)


def target_of(firewall: Firewall | Retired) -> Target:
    """Where and how the firewall is reached."""
    access = access_of(firewall)
    return Target(
        name=firewall.name,
        host=firewall.host,
        port=firewall.port,
        user=firewall.user,
        host_key=firewall.host_key,
        practice=firewall.practice,
        host_ca=access.host_ca if access else "",
        jump=_jump(firewall.name, access),
    )


def access_of(firewall: Firewall | Retired) -> SshAccess | None:
    """Its own, or that of its partition."""
    own: SshAccess | None = getattr(firewall, "ssh_access", None)
    if own is not None:
        return own
    if isinstance(firewall, Retired):
        rows = SshAccess.objects.exclude(partition=None).select_related("seen")
        return rows.filter(partition_id=firewall.partition_id).first()
    return getattr(firewall.machine.partition, "ssh_access", None)


def _jump(name: str, access: SshAccess | None) -> Target | None:
    """The host through which this firewall is reached."""
    if access is None or not access.jump_host:
        return None
    return Target(
        name=f"The jump host of {name}",
        host=access.jump_host,
        port=access.jump_port,
        user=access.jump_user,
        host_key=access.jump_key,
    )
