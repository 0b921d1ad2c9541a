"""`manage.py create_token NAME --role admin|operator|viewer`: prints the token and nothing else."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.access.models import DAYS, Token
from config.access.roles import ROLES


class Command(BaseCommand):
    help = "Make a token for a program. It is shown once; only its digest is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what the program goes by in the history")
        parser.add_argument("--role", choices=ROLES, required=True)
        parser.add_argument(
            "--days", type=int, default=DAYS, help=f"how long it is valid (default {DAYS})"
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="end the token that has this name, and make a new one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1:
            raise CommandError("A token is valid for at least one day.")
        try:
            _, text = Token.objects.issue(
                options["name"], options["role"], options["days"], replace=options["replace"]
            )
        except ValidationError as error:
            reason = " ".join(error.messages)
            if Token.objects.filter(name=options["name"]).exists():
                reason += " Use --replace to end it and make a new one."
            raise CommandError(reason) from error
        self.stdout.write(text)
