"""The three roles as Django groups, so that API, pages and admin ask the same permissions.

They are brought up to date after every migration, not in one: permissions appear only then, and a
model that comes later needs its place in the roles without anybody remembering it.
"""

from typing import Any

from django.apps import apps as all_apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

VIEWER, OPERATOR, ADMIN = ROLES = ("viewer", "operator", "admin")
OURS = ("networks", "machines", "firewalls", "config")

# What an operator may change, beside reading everything: allocate and release, join and leave.
_OPERATED = {
    "networks": ["network", "prefix", "address"],
    "machines": ["machine", "httpproxy"],
    "firewalls": [
        "firewall",
        "attachment",
        "rule",
        "endpoint",
        "hold",
        "sshaccess",
        "acknowledgement",
    ],
}


def sync(apps: Any = all_apps, **kwargs: Any) -> None:
    """Make the groups and give them their permissions, if the tables of accounts exist by now."""
    try:
        apps.get_model("auth", "Group")
    except LookupError:
        return
    for label in OURS:
        create_permissions(all_apps.get_app_config(label), verbosity=0, apps=apps)
    ours = Permission.objects.filter(content_type__app_label__in=OURS)
    viewing = Q(codename__startswith="view_") & ~Q(content_type__app_label="config")
    everything = Q()
    permitted = {VIEWER: viewing, OPERATOR: viewing | _operating(), ADMIN: everything}
    for role, condition in permitted.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(ours.filter(condition))


def _operating() -> Q:
    """What operators may do beyond viewing."""
    permitted = Q(content_type__app_label="firewalls", codename="add_push")
    for app, models in _OPERATED.items():
        names = [f"{verb}_{model}" for verb in ("add", "change", "delete") for model in models]
        permitted |= Q(content_type__app_label=app, codename__in=names)
    return permitted
