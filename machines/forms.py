"""What people type into pages; the rules are kept elsewhere."""

from machines.models import HttpProxy
from networks.common.forms import WholeRowForm


class HttpProxyForm(WholeRowForm):
    """Where a network's machines reach an HTTP proxy."""

    class Meta:
        model = HttpProxy
        fields = ["host", "port"]
        labels = {"host": "Address or name", "port": "Port"}
