"""What was pushed before is on the firewalls too: written down from the revisions that were."""

from typing import Any

from django.db import IntegrityError, migrations, transaction

from firewalls.configuration.carried import carries


def write_down(apps: Any, schema_editor: Any) -> None:
    firewalls = apps.get_model("firewalls", "Firewall")
    revisions = apps.get_model("firewalls", "Revision").objects.exclude(number=0)
    pushed = set(firewalls.objects.exclude(applied=None).values_list("applied", flat=True))
    pushes = apps.get_model("firewalls", "Push").objects.filter(state="running")
    pushed |= set(pushes.exclude(revision=None).values_list("revision", flat=True))
    rows = revisions.filter(pk__in=pushed).select_related("firewall__machine")
    for revision in rows.order_by("pk").iterator(100):
        _write(apps, revision)


def _write(apps: Any, revision: Any) -> None:
    machine = revision.firewall.machine
    of = {"box": machine.pk, "firewall": machine.name, "machine": machine.pk}
    has = carries(revision.files)
    of_network = dict(
        apps.get_model("networks", "Network")
        .objects.filter(vrf__in=has.vrfs)
        .values_list("vrf", "pk")
    )
    of_prefix = dict(
        apps.get_model("networks", "Address")
        .objects.filter(address__in=[*has.addresses, *has.targets])
        .values_list("address", "prefix__network")
    )
    for asn in has.asns:
        _add(apps, **of, asn=asn)
    for vrf in has.vrfs:
        _add(apps, **of, vrf=vrf, network=of_network.get(vrf, ""))
    for address in has.addresses:
        _add(apps, **of, address=address, network=of_prefix.get(address, ""))
    for address in has.targets:
        named = of | {"machine": None, "network": of_prefix.get(address, "")}
        _add(apps, **named, address=address)


def _add(apps: Any, **fields: Any) -> None:
    """What somebody else has by now is theirs: it was handed on before anybody kept it back."""
    try:
        with transaction.atomic():
            apps.get_model("networks", "Carried").objects.create(**fields)
    except IntegrityError:
        pass


class Migration(migrations.Migration):
    dependencies = [
        ("firewalls", "0016_retired"),
        ("machines", "0006_carried"),
    ]

    operations = [migrations.RunPython(write_down, migrations.RunPython.noop)]
