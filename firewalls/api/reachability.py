"""`reachability/`: whether a source can open connections to a destination, how, and why not."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.answers import AnswerSerializer
from firewalls.api.questions import QuestionSerializer
from firewalls.intent.partitions import Basis
from firewalls.intent.questions import Answered, answered
from firewalls.reachability import Answer
from networks.common.api.views import WholeWrites

SHOWN = (
    "reachable",
    "verdict",
    "path",
    "return_path",
    "families",
    "blockers",
    "remedies",
    "assumptions",
)


class ReachabilityView(WholeWrites):
    """`reachability/`"""

    permissions = {"get": "firewalls.view_firewall"}
    parameters = {"get": tuple(QuestionSerializer().fields)}

    @extend_schema(
        parameters=[QuestionSerializer], responses=AnswerSerializer, operation_id="reachability"
    )
    def get(self, request: Request) -> Response:
        """The answer: verdict, both ways hop by hop, all that is in the way, and what to do.

        One source (`machine`, `network`, `source`), and one destination (`to_machine`,
        `to_network`, `address`, `endpoint`, `internet=true`).
        """
        query = QuestionSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        chosen = query.validated_data
        found = answered(query.asked, Basis(chosen["basis"]), chosen.get("at"))
        return self.read(request, AnswerSerializer(_shown(found)).data)


def _shown(found: Answered) -> dict[str, Any]:
    """The answer in the shape of AnswerSerializer."""
    beside = {
        "basis": found.other,
        "verdict": found.beside.verdict,
        "message": found.message,
        "worked_until": found.ended,
    }
    shown = {name: getattr(found.answer, name) for name in SHOWN}
    return {
        **shown,
        **_first_words(found.answer),
        "basis": found.basis,
        "at": found.at,
        "beside": beside,
    }


def _first_words(found: Answer) -> dict[str, str]:
    """The first thing in the way and the first remedy, where there are any."""
    words = {}
    if found.blockers:
        words["reason"] = found.blockers[0].message
    if found.remedies:
        words["remedy"] = found.remedies[0].message
    return words
