"""Networks for support staff: the same rules and sentences as everywhere, for every form judges the whole row."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from networks.access import may_edit
from networks.allocation import allocate, create_network
from networks.common.admin import SHORT, RowAdmin, picker
from networks.common.fields import CidrField
from networks.common.forms import AllocationForm, Listed, WholeRowForm
from networks.common.validation import reported_on
from networks.models import Activity, Address, Network, Partition, Prefix, Project


@admin.register(Partition)
class PartitionAdmin(RowAdmin):
    list_display = ["id", "name", "description", "auto_push"]
    list_filter = ["auto_push"]
    search_fields = ["id", "name", "description"]

    def view_on_site(self, obj: Partition) -> str:
        return reverse("networks:list") + f"?partition={obj.pk}"


@admin.register(Project)
class ProjectAdmin(RowAdmin):
    list_display = ["id", "name", "tenant", "description"]
    list_filter = ["tenant"]
    search_fields = ["id", "name", "tenant", "description"]

    def view_on_site(self, obj: Project) -> str:
        return reverse("networks:list") + f"?project={obj.pk}"


class NetworkAddForm(AllocationForm):
    """A new network of any kind; a private one takes what it is not given from its partition's super network."""

    id = forms.CharField(required=False, help_text="Left empty, it reads like the name.")
    name = forms.CharField(required=False)
    vrf = forms.IntegerField(required=False, help_text="Left empty, the next free one.")
    parent = picker(
        Network,
        "parent",
        required=False,
        help_text="Of a private network; left empty, its partition's super network.",
    )
    partition = picker(Network, "partition", required=False)
    project = picker(Network, "project", required=False)
    prefixes = Listed(
        item=CidrField(),
        required=False,
        help_text="A private network without takes the next free one.",
        **SHORT,
    )

    class Meta:
        model = Network
        fields = [
            "id",
            "name",
            "description",
            "kind",
            "partition",
            "project",
            "parent",
            "vrf",
            "destination_prefixes",
            "default_child_prefix_length",
            "nat",
            "labels",
            "shared",
            "shared_reason",
        ]

    def allocate(self) -> Network:
        user, given = self.user, self.cleaned_data
        if not may_edit(user, "add", given["kind"]):
            raise ValidationError(
                {
                    "kind": ValidationError(
                        "Only admins add super, underlay and external networks.", code="role"
                    )
                }
            )
        if given["shared"] and not user.has_perm("networks.share_network"):
            raise ValidationError(
                {"shared": ValidationError("Only admins share networks.", code="role")}
            )
        with reported_on(cidr="prefixes", prefix_length="prefixes"):
            return create_network(
                **{**given, "name": given["name"] or given["id"]}, by=user.get_username()
            )


class PrefixInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Prefix
    form = WholeRowForm
    fields = ["cidr"]
    extra = 0


@admin.register(Network)
class NetworkAdmin(RowAdmin):
    list_display = ["id", "name", "kind", "partition", "project", "vrf", "shared", "prefixes_text"]
    list_filter = ["kind", "shared", "nat", "partition"]
    list_select_related = ["partition", "project"]
    search_fields = ["id", "name", "description", "project__id", "prefixes__cidr"]
    autocomplete_fields = ["project"]
    fields = [
        "id",
        "name",
        "description",
        "kind",
        "partition",
        "project",
        "parent",
        "vrf",
        "destination_prefixes",
        "default_child_prefix_length",
        "nat",
        "labels",
        "shared",
        "shared_reason",
        "shared_at",
        "shared_by",
    ]
    readonly_fields = ["shared_at", "shared_by"]
    fixed = ("id", "kind", "partition", "parent", "vrf")
    add_form = NetworkAddForm
    inlines = [PrefixInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Network]:
        return super().get_queryset(request).prefetch_related("prefixes")

    def get_readonly_fields(self, request: HttpRequest, obj: Network | None = None) -> Any:
        settled = obj is not None and (
            obj.shared or not request.user.has_perm("networks.share_network")
        )
        return [
            *super().get_readonly_fields(request, obj),
            *(["shared", "shared_reason"] if settled else []),
        ]

    def has_change_permission(self, request: HttpRequest, obj: Network | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or may_edit(request.user, "change", obj.kind)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Network | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or may_edit(request.user, "delete", obj.kind)
        )

    def save_model(self, request: HttpRequest, obj: Network, form: Any, change: bool) -> None:
        sharing, reason = change and "shared" in form.changed_data, obj.shared_reason
        if sharing:
            obj.shared, obj.shared_at, obj.shared_reason = False, None, ""
        super().save_model(request, obj, form, change)
        if sharing:
            obj.share(request.user.get_username(), reason)

    def view_on_site(self, obj: Network) -> str:
        return reverse("networks:detail", args=[obj.pk])


@admin.register(Prefix)
class PrefixAdmin(RowAdmin):
    list_display = ["cidr", "network", "child"]
    list_filter = ["network__kind", "network__partition"]
    list_select_related = ["network"]
    search_fields = ["cidr", "network__id"]
    autocomplete_fields = ["network"]
    fields = ["network", "cidr"]
    fixed = ("network", "cidr")

    def has_change_permission(self, request: HttpRequest, obj: Prefix | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or may_edit(request.user, "change", obj.network.kind)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Prefix | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or may_edit(request.user, "change", obj.network.kind)
        )

    def save_model(self, request: HttpRequest, obj: Prefix, form: Any, change: bool) -> None:
        if not may_edit(request.user, "change", obj.network.kind):
            raise PermissionDenied(
                f"To grow a network of kind {obj.network.kind} takes the admin role."
            )
        super().save_model(request, obj, form, change)

    def view_on_site(self, obj: Prefix) -> str:
        return reverse("networks:detail", args=[obj.network_id])


class AddressAddForm(AllocationForm):
    """A new address: the one given, or the next free one."""

    network = picker(Prefix, "network")
    project = picker(Address, "project")
    address = forms.CharField(required=False, help_text="Left empty, the next free one.")
    version = forms.TypedChoiceField(
        choices=[(4, "IPv4"), (6, "IPv6")], coerce=int, empty_value=None, required=False
    )
    kind = forms.ChoiceField(
        choices=[("", "ephemeral if picked, static if given"), *Address.Kind.choices],
        required=False,
    )

    class Meta:
        model = Address
        fields = ["network", "project", "address", "version", "kind", "name"]

    def allocate(self) -> Address:
        given = dict(self.cleaned_data)
        ip = Address._meta.get_field("address").to_python(given.pop("address"))
        kind, version = given.pop("kind") or None, given.pop("version") or None
        return allocate(given.pop("network"), ip=ip, kind=kind, version=version, **given)


@admin.register(Address)
class AddressAdmin(RowAdmin):
    list_display = ["address", "network", "project", "kind", "machine", "name"]
    list_filter = ["kind", ("machine", admin.EmptyFieldListFilter), "project"]
    list_select_related = ["prefix__network", "project", "machine"]
    search_fields = ["address", "name", "project__id", "prefix__network__id", "machine__name"]
    fields = ["address", "network", "project", "machine", "kind", "name", "description"]
    fixed = ("address", "network", "project", "machine")
    add_form = AddressAddForm

    def view_on_site(self, obj: Address) -> str:
        return reverse("networks:detail", args=[obj.prefix.network_id])


@admin.register(Activity)
class ActivityAdmin(RowAdmin):
    """The trail, to read: nobody edits it."""

    list_display = ["at", "who", "via", "verb", "kind", "label", "operation", "reason"]
    list_filter = ["via", "verb", "kind", "at"]
    search_fields = ["label", "who", "operation", "reason", "request"]
    readonly_fields = [
        "at",
        "who",
        "via",
        "verb",
        "kind",
        "key",
        "label",
        "operation",
        "reason",
        "request",
        "about",
        "before",
        "after",
    ]
    fields = [*readonly_fields]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Activity]:
        return Activity.objects.visible_to(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Activity | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Activity | None = None) -> bool:
        return False

    def view_on_site(self, obj: Activity) -> str:
        return reverse("networks:activity") + f"?request={obj.request}"
