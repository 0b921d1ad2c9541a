"""`firewalls/{id}/hold/`: nothing is pushed to it, by whom, why, and until when."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.held import HoldSerializer
from firewalls.api.rows import FirewallRows
from firewalls.models import Hold
from firewalls.pushing import holding


class HoldView(FirewallRows):
    permissions = {
        "hold": "firewalls.view_firewall",
        "place": "firewalls.add_hold",
        "end": "firewalls.delete_hold",
    }
    filter_backends = []

    @extend_schema(responses=HoldSerializer)
    def hold(self, request: Request, id: str) -> Response:
        """Who holds it, why, and until when."""
        firewall = self.get_object()
        if firewall.held is None:
            raise Http404(f"{firewall.name} is not held.")
        return self.read(request, HoldSerializer(firewall.held).data)

    @extend_schema(request=HoldSerializer, responses={201: HoldSerializer})
    def place(self, request: Request, id: str) -> Response:
        """Have no push to it start; what runs goes to its end. Held already, change why and when.

        A push that waits is withdrawn, and rollouts pass the firewall over.
        """
        firewall = self.locked(request)
        body = HoldSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        holding.hold(firewall, by=request.user.get_username(), **body.validated_data)
        stored = Hold.objects.get(firewall=firewall)
        return Response(HoldSerializer(stored).data, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={204: None})
    def end(self, request: Request, id: str) -> Response:
        """Let pushes to it start again."""
        holding.end(self.locked(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
