"""What an account may do, by itself and by its roles, in one query."""

from django.contrib.auth.models import User
from django.db import connection

# A query that gives names as `networks.add_network`; {user} is the id of the user.
PERMISSIONS = """
SELECT app_label || '.' || codename
FROM auth_permission JOIN django_content_type ON django_content_type.id = content_type_id
WHERE auth_permission.id IN (
    SELECT permission_id FROM auth_user_user_permissions WHERE user_id = {user}
    UNION
    SELECT permission_id FROM auth_group_permissions JOIN auth_user_groups USING (group_id)
    WHERE user_id = {user}
)
"""
_ATTRIBUTE = "known_permissions"


def permissions_of(user: User) -> set[str]:
    """Asked of the database once for each user object."""
    if not hasattr(user, _ATTRIBUTE):
        with connection.cursor() as cursor:
            cursor.execute(PERMISSIONS.format(user="%s"), [user.pk, user.pk])
            note_permissions(user, {name for (name,) in cursor.fetchall()})
    names: set[str] = getattr(user, _ATTRIBUTE)
    return names


def note_permissions(user: User, names: set[str]) -> None:
    """Keep what another query has found, so that it is not asked again."""
    setattr(user, _ATTRIBUTE, names)
