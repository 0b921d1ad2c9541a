"""`networks/`: making, changing, growing and removing them. Sharing is in `firewalls.api`."""

from typing import Any, Never, cast

import django_filters
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import exceptions, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from networks.access import may_edit
from networks.allocation import create_network_in_transaction
from networks.api.lengths import ChildLengths, Lengths, LengthsFilter
from networks.api.prefixes import (
    ON_PREFIXES,
    GrowthSerializer,
    Prefixes,
    grow_by,
    replace_prefixes,
)
from networks.api.usage import (
    NetworkListSerializer,
    UsageOfFamily,
    UsageOfPrefix,
    shown,
    usage_of,
)
from networks.common.addressing import Cidr, parse_cidr
from networks.common.api.fields import Choice, Labels, RelatedIdByStatement
from networks.common.api.lists import Cidr as CidrFilter
from networks.common.api.lists import CidrAmong, Exact, Integer, Label, OrNone, Time, YesNo
from networks.common.api.rows import RowSerializer
from networks.common.api.views import RowViewSet
from networks.common.limits import MOST_PREFIXES
from networks.common.validation import refuse, reported_on
from networks.common.violations import Violation
from networks.models import Network, Prefix
from networks.usage import by_family

NETWORK_ID = "[A-Za-z0-9._-]+"


class NetworkSerializer(RowSerializer[Network]):
    id = serializers.CharField(required=False, allow_blank=True)
    name = serializers.CharField(required=False, allow_blank=True)
    kind = Choice(choices=Network.Kind.choices, required=False)
    prefixes = Prefixes(required=False, max_length=MOST_PREFIXES)
    prefix_length = Lengths(write_only=True, required=False)
    default_child_prefix_length = ChildLengths(required=False)
    labels = Labels(required=False)
    shared = serializers.BooleanField(required=False)
    serializer_related_field = RelatedIdByStatement
    usage = serializers.SerializerMethodField()
    usage_by_prefix = serializers.SerializerMethodField()
    made_with = ("prefix_length", "shared_reason")

    class Meta(RowSerializer.Meta):
        model = Network
        list_serializer_class = NetworkListSerializer
        fields = [
            "id",
            "name",
            "description",
            "kind",
            "partition",
            "project",
            "parent",
            "vrf",
            "prefixes",
            "prefix_length",
            "destination_prefixes",
            "default_child_prefix_length",
            "nat",
            "labels",
            "shared",
            "shared_at",
            "shared_by",
            "shared_reason",
            "usage",
            "usage_by_prefix",
        ]
        read_only_fields = ["shared_at", "shared_by"]

    @extend_schema_field(serializers.DictField(child=UsageOfFamily()))
    def get_usage(self, network: Network) -> Any:
        usage = by_family(usage_of(network, cast(dict[str, Any], self.context)))
        return {family: shown(counts) for family, counts in usage.items()}

    @extend_schema_field(serializers.DictField(child=UsageOfPrefix()))
    def get_usage_by_prefix(self, network: Network) -> Any:
        usage = usage_of(network, cast(dict[str, Any], self.context))
        return {str(prefix): shown(counts) for prefix, counts in usage.items()}

    def create(self, validated_data: dict[str, Any]) -> Network:
        columns = {
            "kind": Network.Kind.PRIVATE,
            "name": validated_data.get("id", ""),
            **validated_data,
        }
        by = self.context["request"].user.get_username()
        with reported_on(**ON_PREFIXES):
            network, prefixes = create_network_in_transaction(**columns, by=by)
        network.made_prefixes = prefixes
        return network

    def update(self, instance: Network, validated_data: dict[str, Any]) -> Network:
        prefixes: list[Cidr] | None = validated_data.pop("prefixes", None)
        if validated_data.get("shared") and not instance.shared:
            refuse_sharing_here(instance)
        row = super().update(instance, validated_data)
        if prefixes is not None:
            replace_prefixes(row, prefixes)
        return row


def refuse_sharing_here(network: Network) -> Never:
    """Refuse to share by PATCH.

    Sharing cannot be undone, so it is a request of its own, which the network's id confirms. What
    may not be shared at all is refused with that reason.
    """
    network.shared = True
    network.full_clean()
    reason = (
        f"A network is shared by POST to networks/{network.pk}/share/, "
        "where its id confirms it (R3)."
    )
    refuse(Violation("shared", "share_by_itself", reason))


class NetworkFilters(django_filters.FilterSet):
    id = Exact()
    name = Exact()
    description = Exact()
    kind = django_filters.ChoiceFilter(choices=Network.Kind.choices)
    partition = OrNone("partition_id")
    project = OrNone("project_id")
    parent = OrNone("parent_id")
    vrf = Integer()
    nat = YesNo()
    labels = Label()
    prefixes = CidrFilter("prefixes__cidr")
    destination_prefixes = CidrAmong()
    default_child_prefix_length = LengthsFilter()
    shared = YesNo()
    shared_at = Time()
    shared_by = Exact()
    shared_reason = Exact()


class NetworkViewSet(RowViewSet[Network]):
    """Super, private, external and underlay networks."""

    queryset = Network.objects.prefetch_related("prefixes")
    serializer_class = NetworkSerializer
    filterset_class = NetworkFilters
    search_fields = ["id", "name", "description", "project__id", "prefixes__cidr"]
    ordering_fields = {
        "id": "id",
        "name": "name",
        "description": "description",
        "kind": "kind",
        "partition": "partition_id",
        "project": "project_id",
        "parent": "parent_id",
        "vrf": "vrf",
        "nat": "nat",
        "shared": "shared",
        "shared_at": "shared_at",
        "shared_by": "shared_by",
    }
    lookup_value_regex = NETWORK_ID
    moving = ("usage", "usage_by_prefix")
    permissions = {"prefixes": "networks.add_prefix", "remove_prefix": "networks.delete_prefix"}

    def make(self, serializer: serializers.BaseSerializer[Network]) -> Network:
        data = serializer.validated_data
        self.must_be_allowed("add", data.get("kind", Network.Kind.PRIVATE))
        if data.get("shared") and not self.request.user.has_perm("networks.share_network"):
            raise exceptions.PermissionDenied(
                "Sharing a network takes the admin role; make it first, and let an admin share it."
            )
        return super().make(serializer)

    def stored(self, row: Network) -> Network:
        """A new one is as it was just made."""
        return row if self.action == "create" else super().stored(row)

    def change(self, serializer: serializers.BaseSerializer[Network]) -> None:
        self.must_be_allowed("change", serializer.instance.kind)  # type: ignore[union-attr]
        super().change(serializer)

    def remove(self, row: Network) -> None:
        self.must_be_allowed("delete", row.kind)
        super().remove(row)

    def must_be_allowed(self, verb: str, kind: str) -> None:
        """Raise PermissionDenied unless the user's role covers this kind of network."""
        if not may_edit(self.request.user, verb, kind):
            raise exceptions.PermissionDenied(
                f"To {verb} a network of kind {kind} takes the admin role."
            )

    @extend_schema(request=GrowthSerializer, responses=NetworkSerializer)
    @action(detail=True, methods=["post"])
    def prefixes(self, request: Request, id: str) -> Response:
        """Give the network one more prefix: the one given, or the next free one of a length."""
        network = self.locked(request)
        self.must_be_allowed("change", network.kind)
        grow_by(network, request.data)
        return self.answer(network)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["delete"], url_path="prefixes/(?P<cidr>[0-9A-Fa-f:.]+/[0-9]+)")
    def remove_prefix(self, request: Request, id: str, cidr: str) -> Response:
        """Remove a prefix without addresses in it."""
        network = self.locked(request)
        self.must_be_allowed("change", network.kind)
        try:
            prefix = network.prefixes.get(cidr=parse_cidr(cidr))
        except (ValueError, Prefix.DoesNotExist) as error:
            raise Http404 from error
        prefix.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
