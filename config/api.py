"""Everything under `/api/v1/`."""

from threading import Lock
from typing import Any, ClassVar

from csp.decorators import csp_update
from django.http import HttpResponse
from django.urls import path, re_path
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import (
    SCHEMA_KWARGS,
    SpectacularAPIView,
    SpectacularSwaggerSplitView,
)
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.routers import APIRootView, DefaultRouter
from rest_framework.views import APIView

from firewalls.api.access import SshAccessViewSet
from firewalls.api.acknowledging import AcknowledgementViewSet, CausesView
from firewalls.api.auditing import LeakAuditView
from firewalls.api.comparing import CompareView
from firewalls.api.endpoints import EndpointViewSet
from firewalls.api.firewalls import FirewallViewSet
from firewalls.api.internet import MachineInternetView, NetworkInternetView
from firewalls.api.laws import LawViewSet
from firewalls.api.pushes import PushViewSet, RevisionViewSet
from firewalls.api.reachability import ReachabilityView
from firewalls.api.reaching_all import ReachableFromView, ReachesView
from firewalls.api.retired import KeptBackViewSet, RetiredViewSet
from firewalls.api.rollouts import RolloutViewSet
from firewalls.api.shares import ConsumersView, ShareView
from firewalls.api.siblings import SiblingsView
from firewalls.api.urls import urlpatterns as firewall_urls
from firewalls.api.windows import WindowViewSet
from machines.api import HttpProxyViewSet, MachineViewSet
from networks.api.activity import ActivityViewSet
from networks.api.addresses import AddressViewSet
from networks.api.import_notes import ImportNoteViewSet
from networks.api.networks import NETWORK_ID, NetworkViewSet
from networks.api.places import PartitionViewSet, ProjectViewSet
from networks.common.api.queries import StrictView


class Nothing(APIView):
    """There is nothing at this address of the API."""

    permission_classes = [IsAuthenticated]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


# Swagger UI draws with style attributes and carries its icons as data.
@method_decorator(
    csp_update({"style-src-attr": "'unsafe-inline'", "img-src": "data:"}), name="dispatch"
)
class Docs(SpectacularSwaggerSplitView):
    """The API to read and try, with this browser's session."""

    permission_classes = [AllowAny]
    template_name = "api/docs.html"


class Schema(SpectacularAPIView):
    """OpenAPI 3.1, for anybody: it holds no data.

    It is the same for everybody and takes seconds, so a process makes it once in each format.
    """

    permission_classes = [AllowAny]
    made: ClassVar[dict[str, str | bytes]] = {}
    making = Lock()

    @extend_schema(**SCHEMA_KWARGS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer = request.accepted_renderer
        with self.making:
            if renderer.format not in self.made:
                answer = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
                schema = answer.data
                self.made[renderer.format] = renderer.render(schema, renderer.media_type, {})
        return HttpResponse(self.made[renderer.format], content_type=renderer.media_type)


class Root(StrictView, APIRootView):
    """What there is."""


router = DefaultRouter()
router.APIRootView = Root
router.include_format_suffixes = False  # ids have dots
router.register("partitions", PartitionViewSet)
router.register("projects", ProjectViewSet)
router.register("networks", NetworkViewSet)
router.register("ip-addresses", AddressViewSet)
router.register("machines", MachineViewSet)
router.register("http-proxies", HttpProxyViewSet)
router.register("firewalls", FirewallViewSet)
router.register("retired-firewalls", RetiredViewSet)
router.register("kept-back", KeptBackViewSet)
router.register("ssh-access", SshAccessViewSet)
router.register("endpoints", EndpointViewSet)
router.register("maintenance-windows", WindowViewSet)
router.register("acknowledgements", AcknowledgementViewSet)
router.register("laws", LawViewSet)
router.register("revisions", RevisionViewSet)
router.register("pushes", PushViewSet)
router.register("rollouts", RolloutViewSet)
router.register("activity", ActivityViewSet)
router.register("import-notes", ImportNoteViewSet)

urlpatterns = [
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", Docs.as_view(url_name="api-schema"), name="api-docs"),
    re_path(rf"^networks/(?P<id>{NETWORK_ID})/share/$", ShareView.as_view(), name="network-share"),
    re_path(
        rf"^networks/(?P<id>{NETWORK_ID})/consumers/$",
        ConsumersView.as_view(),
        name="network-consumers",
    ),
    re_path(
        rf"^networks/(?P<id>{NETWORK_ID})/firewalls/$",
        SiblingsView.as_view(),
        name="network-firewalls",
    ),
    path("causes/", CausesView.as_view(), name="causes"),
    path("reachability/compare/", CompareView.as_view(), name="reachability-compare"),
    path("reachability/", ReachabilityView.as_view(), name="reachability"),
    re_path(
        rf"^networks/(?P<id>{NETWORK_ID})/reachable-from/$",
        ReachableFromView.as_view(),
        name="network-reachable-from",
    ),
    re_path(
        rf"^partitions/(?P<id>{NETWORK_ID})/leak-audit/$",
        LeakAuditView.as_view(),
        name="partition-leak-audit",
    ),
    path("machines/<uuid:id>/reaches/", ReachesView.as_view(), name="machine-reaches"),
    path(
        "machines/<uuid:id>/internet-access/",
        MachineInternetView.as_view(),
        name="machine-internet-access",
    ),
    re_path(
        rf"^networks/(?P<id>{NETWORK_ID})/internet-access/$",
        NetworkInternetView.as_view(),
        name="network-internet-access",
    ),
    *firewall_urls,
    *router.urls,
]
