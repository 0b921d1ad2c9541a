"""Django's connection to PostgreSQL, which has judged what it commits.

Triggers note what changes may break, and say so to whoever changed it by a notice; where they have
nothing to note, nothing is asked and nothing costs more. What was noted has to be judged before the
commit: the database itself refuses one of anything that nobody has judged.
"""

from typing import Any

from django.db import Error, IntegrityError, transaction
from django.db.backends.postgresql import base

from networks.common.audit import Execute
from networks.common.postgres import judging

TO_BE_JUDGED = "LAW01"  # the SQLSTATE of the notice
REFUSED = "noted_changes_are_judged"  # the name under which the database refuses


class DatabaseWrapper(base.DatabaseWrapper):
    """Has what was noted judged before each commit, and takes all back where that refuses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_unjudged = False
        self.execute_wrappers.append(self._in_a_transaction_if_judged)

    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        self.has_unjudged = False
        connection.add_notice_handler(self._heed)
        return connection

    def commit(self) -> None:
        try:
            self.judge()
        except BaseException:
            self._take_back()
            raise
        super().commit()
        self.has_unjudged = False

    def rollback(self) -> None:
        super().rollback()
        self.has_unjudged = False

    def judge(self) -> None:
        """Have what was noted so far judged now, in this transaction.

        What was judged may be taken back, and be to judge again: so that is asked until the end.
        """
        if self.has_unjudged:
            judging.send(sender=type(self))

    def _heed(self, notice: Any) -> None:
        if notice.sqlstate == TO_BE_JUDGED:
            self.has_unjudged = True

    def _take_back(self) -> None:
        """As Django does where the commit itself fails."""
        try:
            self.rollback()
        except Error:
            self.close()

    def _in_a_transaction_if_judged(
        self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """A statement that commits itself is done again in a transaction, if it has to be judged.

        The database has refused it and done nothing, so this costs only what has to be judged.
        """
        try:
            return execute(sql, params, many, context)
        except IntegrityError as error:
            if self.in_atomic_block or not self.get_autocommit() or not is_unjudged(error):
                raise
        with transaction.atomic(using=self.alias):
            return execute(sql, params, many, context)


def is_unjudged(error: IntegrityError) -> bool:
    """Whether the database has refused it because nobody has judged it."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == REFUSED
