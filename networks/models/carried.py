"""What firewalls may have in their configurations, and so nobody else gets (R16)."""

from django.db import models
from django.db.models import Q

from networks import guards
from networks.common.fields import InetField
from networks.common.validation import ChoiceCheck


class CarriedQuerySet(models.QuerySet["Carried"]):
    def left(self) -> "CarriedQuerySet":
        """What nobody has any more but perhaps a firewall: it is kept back because of that."""
        return self.filter(left_at__isnull=False)

    def firewalls(self) -> list[str]:
        """The names of the firewalls that may have these."""
        return sorted(set(self.order_by().values_list("firewall", flat=True)))


class Carried(models.Model):
    """One address, VRF id or AS number that one firewall may have in its configuration.

    From when a push with it began until one without it was confirmed, or a person said that the
    firewall is gone. Written by the shell of `firewalls`; what it keeps back is held by triggers.
    """

    box = models.UUIDField(help_text="The firewall, which may have been freed since.")
    firewall = models.CharField(max_length=63, help_text="What it was called then.")
    address = InetField(null=True, blank=True)
    vrf = models.PositiveIntegerField("VRF id", null=True, blank=True)
    asn = models.BigIntegerField("AS number", null=True, blank=True)
    machine = models.UUIDField(
        null=True, blank=True, help_text="Whose it is; of an endpoint, where that leads."
    )
    network = models.CharField(max_length=63, blank=True, help_text="What it is of.")
    since = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when only the firewall may have it."
    )

    objects = CarriedQuerySet.as_manager()

    class Meta:
        ordering = ["network", "address", "vrf", "asn", "id"]
        verbose_name = verbose_name_plural = "kept back"
        indexes = [
            models.Index(fields=["address"], name="carried_by_address"),
            models.Index(fields=["network", "address"], name="carried_by_network"),
            models.Index(fields=["vrf"], name="carried_by_vrf"),
            models.Index(fields=["asn"], name="carried_by_asn"),
            models.Index(
                fields=["address"],
                condition=Q(left_at__isnull=False, address__isnull=False),
                name="address_kept_back",
            ),
            models.Index(
                fields=["vrf"],
                condition=Q(left_at__isnull=False, vrf__isnull=False),
                name="vrf_kept_back",
            ),
            models.Index(
                fields=["asn"],
                condition=Q(left_at__isnull=False, asn__isnull=False),
                name="asn_kept_back",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["box", "address"], name="carried_address_once"),
            models.UniqueConstraint(fields=["box", "vrf"], name="carried_vrf_once"),
            models.UniqueConstraint(fields=["box", "asn"], name="carried_asn_once"),
            ChoiceCheck(
                name="carried_is_one_thing",
                condition=Q(address__isnull=False, vrf=None, asn=None)
                | Q(address=None, vrf__isnull=False, asn=None)
                | Q(address=None, vrf=None, asn__isnull=False),
            ),
        ]
        triggers = [*guards.CARRIED]

    def __str__(self) -> str:
        return f"{self.what} on {self.firewall}"

    @property
    def what(self) -> str:
        """What it is, in words."""
        if self.address is not None:
            return str(self.address)
        return f"VRF id {self.vrf}" if self.vrf is not None else f"AS number {self.asn}"

    @property
    def leads_elsewhere(self) -> bool:
        """Whether it is not the firewall's own: an endpoint of it leads there."""
        return self.address is not None and self.machine != self.box

    @property
    def reason(self) -> str:
        """Why nobody else gets it, and what to do, as a sentence."""
        how = "may still lead there" if self.leads_elsewhere else "may still have it"
        return (
            f"{self.firewall} {how}: kept back until a push without it is confirmed,"
            " or somebody says that this firewall is gone (R16)."
        )
