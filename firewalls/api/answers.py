"""Answers of reachability as JSON."""

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from firewalls.intent.partitions import Basis
from firewalls.reachability import Remedy, Verdict

VERDICTS = [str(one) for one in Verdict]
FIREWALL_PAGES = {"push": "firewalls:push"}
NETWORK_PAGES = {
    "share": "firewalls:share",
    "publish": "firewalls:publish_in",
    "proxy": "machines:http_proxy",
}


class TranslationSerializer(serializers.Serializer[Any]):
    of = serializers.ChoiceField(choices=["source", "destination"])
    before = serializers.CharField(help_text="An address, of an endpoint with its port.")
    after = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """Called `from` and `to`, which Python keeps for itself."""
        fields = super().get_fields()
        return {
            "of": fields["of"],
            "from": serializers.CharField(source="before"),
            "to": serializers.CharField(source="after"),
        }


class HopSerializer(serializers.Serializer[Any]):
    """A place on the way."""

    kind = serializers.ChoiceField(
        choices=["machine", "address", "outside", "vrf", "endpoint", "firewall"]
    )
    name = serializers.CharField()
    vrf = serializers.IntegerField(allow_null=True)
    address = serializers.SerializerMethodField()
    rule = serializers.CharField(help_text="What lets it through, in words.")
    line = serializers.CharField(help_text="The same, as the configuration spells it.")
    translation = TranslationSerializer(allow_null=True)
    note = serializers.CharField()

    def get_address(self, hop: Any) -> str | None:
        return None if hop.address is None else str(hop.address)


class BlockerSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    rule = serializers.CharField(help_text="R1 to R16, or a chapter of the domain.")
    message = serializers.CharField()
    where = serializers.CharField()
    family = serializers.IntegerField(source="version")


class OpensSerializer(serializers.Serializer[Any]):
    flows = serializers.IntegerField(help_text="Pairs of machines.")
    machines = serializers.IntegerField(help_text="Machines that reach further.")


class FlowRemedySerializer(serializers.Serializer[Any]):
    message = serializers.CharField()
    action = serializers.CharField()
    url = serializers.SerializerMethodField(help_text="The page that does it.")
    role = serializers.CharField()
    opens = OpensSerializer()
    firewall = serializers.CharField()
    network = serializers.CharField()

    def get_url(self, remedy: Remedy) -> str:
        return url_of(remedy)


def url_of(remedy: Remedy) -> str:
    """The page where a remedy is done."""
    if remedy.action == "join":
        return reverse("firewalls:confirm_join", args=[remedy.firewall, remedy.network])
    if remedy.action in NETWORK_PAGES or not remedy.firewall:
        name = NETWORK_PAGES.get(remedy.action, "networks:detail")
        return reverse(name, args=[remedy.network])
    return reverse(FIREWALL_PAGES.get(remedy.action, "firewalls:detail"), args=[remedy.firewall])


class FamilySerializer(serializers.Serializer[Any]):
    family = serializers.IntegerField(source="version")
    verdict = serializers.ChoiceField(choices=VERDICTS)
    path = HopSerializer(many=True)
    return_path = HopSerializer(many=True)


class BesideSerializer(serializers.Serializer[Any]):
    """The verdict on the other basis, and what the two come to."""

    basis = serializers.ChoiceField(choices=[str(one) for one in Basis])
    verdict = serializers.ChoiceField(choices=VERDICTS)
    message = serializers.CharField()


class AnswerSerializer(serializers.Serializer[Any]):
    """Paths are those of the first family that has one; `families` has them all."""

    left_out = ("reason", "remedy")  # where nothing is in the way

    reachable = serializers.BooleanField()
    verdict = serializers.ChoiceField(choices=VERDICTS)
    basis = serializers.ChoiceField(choices=[str(one) for one in Basis])
    path = HopSerializer(many=True)
    return_path = HopSerializer(many=True)
    families = FamilySerializer(many=True)
    blockers = BlockerSerializer(many=True)
    remedies = FlowRemedySerializer(many=True)
    assumptions = serializers.ListField(child=serializers.CharField())
    beside = BesideSerializer()
    reason = serializers.CharField(required=False, help_text="The first blocker in words.")
    remedy = serializers.CharField(required=False, help_text="The first remedy in words.")
