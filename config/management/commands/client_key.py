"""`manage.py client_key new`, then `client_key retire`: another key to log in to firewalls with."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from firewalls.device.keys import previous, public_line, replace_key

INSTALL = "python3 shared-networks-applier install '{key} shared-networks'"


class Command(BaseCommand):
    help = (
        "Replace the key that firewalls let in, without a gap. `new` makes one, which is offered "
        "beside the one before; `retire` ends that one, once every firewall knows the new one."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("step", choices=["new", "retire", "show"])

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        if settings.SSH_AGENT:
            raise CommandError("The keys are the agent's (SSH_AGENT=1): add and remove them there.")
        getattr(self, f"_{step}")()

    def _new(self) -> None:
        try:
            replace_key(settings.SSH_KEY)
        except FileExistsError as error:
            reason = f"{previous(settings.SSH_KEY)} is not retired yet"
            raise CommandError(f"{reason}: finish that with client_key retire.") from error
        self._show()

    def _retire(self) -> None:
        before = previous(settings.SSH_KEY)
        if not before.exists():
            raise CommandError("No key is being replaced; client_key new begins that.")
        before.unlink()
        self.stdout.write(
            "The key before is offered no more. Retire it on each firewall, as root:\n"
            "    python3 shared-networks-applier retire 'ssh-ed25519 AAAA…'"
        )

    def _show(self) -> None:
        self.stdout.write("On each firewall, and jump host, let in the key, as root:")
        self.stdout.write(f"    {INSTALL.format(key=public_line(settings.SSH_KEY))}")
