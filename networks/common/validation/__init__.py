"""How a broken rule becomes an error on a field, the same one at every door.

`Model.save()` is the door behind all doors: forms, REST and the admin refuse what it refuses.
"""

from networks.common.validation.constraints import (
    Check,
    ChoiceCheck,
    Exclusion,
    Unique,
    check_references_at_once,
)
from networks.common.validation.many import save_new
from networks.common.validation.models import ValidatedModel, changed_since, columns, values_of
from networks.common.validation.refusals import (
    InUse,
    enforce,
    enforce_unused,
    refuse,
    reported_about,
    reported_on,
    still_used,
)

__all__ = [
    "Check",
    "ChoiceCheck",
    "Exclusion",
    "InUse",
    "Unique",
    "ValidatedModel",
    "changed_since",
    "check_references_at_once",
    "columns",
    "enforce",
    "enforce_unused",
    "refuse",
    "reported_about",
    "reported_on",
    "save_new",
    "still_used",
    "values_of",
]
