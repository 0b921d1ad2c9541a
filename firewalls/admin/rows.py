"""What the pages of rows that belong to a firewall have in common."""

from typing import Any, ClassVar

from django.urls import reverse

from networks.common.admin import RowAdmin


class OfFirewall(RowAdmin):
    """Rows that belong to a firewall."""

    list_select_related: ClassVar[Any] = ["firewall__machine"]

    def view_on_site(self, obj: Any) -> str:
        return reverse("firewalls:detail", args=[obj.firewall_id])
