"""What lies below `firewalls/{id}/` and is no firewall itself."""

from django.urls import re_path

from firewalls.api.configuration import ConfigurationView
from firewalls.api.holding import HoldView
from firewalls.api.observed import DriftView, HostKeyView, InspectionView
from firewalls.api.replacing import ReplaceView
from networks.common.api.lists import UUID

_ONE = rf"^firewalls/(?P<id>{UUID})"

urlpatterns = [
    re_path(rf"{_ONE}/config/$", ConfigurationView.as_view({"get": "config"})),
    re_path(rf"{_ONE}/diff/$", ConfigurationView.as_view({"get": "diff"})),
    re_path(rf"{_ONE}/host-key/$", HostKeyView.as_view({"get": "keys", "post": "confirm"})),
    re_path(rf"{_ONE}/drift/$", DriftView.as_view({"get": "drift"})),
    re_path(rf"{_ONE}/accept-drift/$", InspectionView.as_view({"post": "accept"})),
    re_path(rf"{_ONE}/replace/$", ReplaceView.as_view({"get": "preview", "post": "replace"})),
    re_path(rf"{_ONE}/hold/$", HoldView.as_view({"get": "hold", "post": "place", "delete": "end"})),
    re_path(rf"{_ONE}/check/$", InspectionView.as_view({"post": "check"})),
]
