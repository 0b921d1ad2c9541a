"""What a person chose for one push, beyond what goes by itself, and why."""

from django.db import models

from firewalls.models.push import Push
from firewalls.models.start import Start
from networks.common.triggers import Recorded

_FIREWALL = (
    "(SELECT machine.name FROM firewalls_push push JOIN machines_machine machine"
    " ON machine.id = push.firewall_id WHERE push.id = {row}.push_id)"
)
_ABOUT = "(SELECT 'firewall:' || firewall_id FROM firewalls_push WHERE id = this.push_id)"


class Choice(models.Model):
    """Kept with its push, and in the audit trail."""

    Start = Start

    push = models.OneToOneField(Push, models.CASCADE, primary_key=True, related_name="choice")
    start = models.CharField(max_length=6, choices=Start.choices, blank=True)
    may_lock_out = models.BooleanField(
        default=False, help_text="Sent although nobody knows that its SSH can be reached then."
    )
    reason = models.CharField(max_length=400, blank=True)
    chosen_by = models.CharField(max_length=150, blank=True)

    class Meta:
        default_permissions = ()
        triggers = [
            Recorded(
                kind="choice",
                label=f"'push of ' || {_FIREWALL.format(row='this')}",
                about=[_ABOUT],
                shown_as={"firewall": _FIREWALL},
                hidden=["push"],
            )
        ]

    def __str__(self) -> str:
        return f"what was chosen for {self.push}"
