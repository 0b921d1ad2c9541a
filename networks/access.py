"""Who may edit which network.

Roles are Django's permissions; this is the one question that a permission alone does not answer.
"""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin

from networks.models import Network

User = AbstractBaseUser | AnonymousUser | PermissionsMixin


def may_edit(user: User, verb: str, kind: str) -> bool:
    """Whether the user may add, change or delete a network of this kind.

    Private networks are allocated day by day; a super, underlay or external network is part of the
    partition itself, so editing one takes what editing a partition takes.
    """
    permissions = [f"networks.{verb}_network"]
    if kind != Network.Kind.PRIVATE:
        permissions.append("networks.change_partition")
    return user.has_perms(permissions)  # type: ignore[union-attr]
