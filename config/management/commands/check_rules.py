"""`manage.py check_rules`: whether all that is stored keeps every rule."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.checking import check
from networks.common.violations import counted


class Command(BaseCommand):
    help = (
        "Check the whole database against every rule, and print each violation as a sentence. "
        "Changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        number = 0
        for finding in check():
            self.stdout.write(str(finding))
            number += 1
        if number:
            raise CommandError(f"{counted(number, 'violation')} found.")
        self.stdout.write("Every rule holds, R1 to R16.")
