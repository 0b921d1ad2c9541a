"""`reachability/`: whether a source can open connections to a destination, how, and why not."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from firewalls.api.answers import AnswerSerializer
from firewalls.api.questions import QuestionSerializer
from firewalls.intent.partitions import Basis, load_around
from firewalls.reachability import Answer, Verdict, answer
from networks.common.api.views import WholeWrites

PUSHED = "It comes about once what is wanted is pushed."
STILL = "It still works, and ends once what is wanted is pushed."
SAME = "What was applied last does the same."
OTHER = "What was applied last does something else."
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
NOT_KNOWN = "What was applied last is not what is wanted, and is not known here."


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
        return self.read(request, AnswerSerializer(answered(query)).data)


def answered(query: QuestionSerializer) -> dict[str, Any]:
    """The answer in the shape of AnswerSerializer."""
    loaded = load_around(query.around)
    answers = {basis: answer(loaded.on(basis), query.question) for basis in Basis}
    basis = Basis(query.validated_data["basis"])
    (other,) = set(Basis) - {basis}
    found = answers[basis]
    beside = {
        "basis": other,
        "verdict": answers[other].verdict,
        "message": between(answers[Basis.WANTED], answers[Basis.APPLIED]),
    }
    shown = {name: getattr(found, name) for name in SHOWN}
    return {**shown, **_first_words(found), "basis": basis, "beside": beside}


def _first_words(found: Answer) -> dict[str, str]:
    """The first thing in the way and the first remedy, where there are any."""
    words = {}
    if found.blockers:
        words["reason"] = found.blockers[0].message
    if found.remedies:
        words["remedy"] = found.remedies[0].message
    return words


def between(wanted: Answer, applied: Answer) -> str:
    """What lies between what is wanted and what was applied, as a sentence."""
    if wanted.verdict is applied.verdict:
        return SAME
    if applied.verdict is Verdict.UNKNOWN:
        return NOT_KNOWN
    if wanted.reachable and applied.verdict is Verdict.UNREACHABLE:
        return PUSHED
    return STILL if applied.reachable and wanted.verdict is Verdict.UNREACHABLE else OTHER
