"""Pictures on pages: which one, and where what is on it leads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode

from firewalls.configuration.plan import Plan
from firewalls.picture import colours, folding, inside, maps
from firewalls.picture.choices import Choice
from firewalls.picture.folding import Bundle, Fold
from firewalls.picture.matrix import matrix
from firewalls.picture.shapes import Map
from firewalls.picture.values import Uses
from networks.models import Partition

MAP, MATRIX, TABLE = "map", "matrix", "table"
VIEWS = (MAP, MATRIX, TABLE)
# What a bundle leads to: the same page, of it alone.
NARROWED = {Fold.SET: "like", Fold.PROJECT: "project", Fold.TENANT: "tenant"}


def drawn(place: Partition, uses: Uses, choice: Choice) -> dict[str, Any]:
    """What a template draws: a map where one can be read, else a matrix; or what was asked for."""
    fold = _fold(uses, choice)
    view = choice.view if choice.view in VIEWS else MAP if fold else MATRIX
    context: dict[str, Any] = {"view": view, "fold": fold, "folds": list(Fold)}
    if view == MAP and fold:
        rows = folding.bundles(uses, fold)
        here = reverse("firewalls:partition", args=[place.pk])
        return {**context, "map": map_of(here, uses, rows, choice), "rows": rows}
    if view == TABLE:
        return context
    return {**context, "view": MATRIX, "matrix": _matrix_of(place, uses, choice)}


def _fold(uses: Uses, choice: Choice) -> Fold | None:
    """The folding that was asked for, if a map of it can be read; else the least one."""
    asked = [fold for fold in Fold if fold == choice.fold and folding.fits(uses, fold)]
    return asked[0] if asked else folding.fold_that_fits(uses)


def around(here: str, uses: Uses, choice: Choice) -> dict[str, Any]:
    """The map of a few, folded until it fits."""
    rows = folding.bundles(uses, folding.fold_that_fits(uses) or Fold.TENANT)
    return {"map": map_of(here, uses, rows, choice), "rows": rows, "choice": choice}


def map_of(here: str, uses: Uses, rows: tuple[Bundle, ...], choice: Choice) -> Map:
    """The map of these rows; a bundle leads to what is in it, on the page that is here."""

    def link(kind: str, key: str) -> str:
        if kind == "firewall":
            return reverse("firewalls:detail", args=[key])
        if kind in ("network", "machines"):
            part = "#machines" if kind == "machines" else ""
            return reverse("networks:detail", args=[key]) + part
        return here + choice.query(**{NARROWED[Fold(kind)]: key, "fold": "", "view": MAP})

    return maps.draw(uses, rows, link, choice.pick)


def _matrix_of(place: Partition, uses: Uses, choice: Choice) -> object:
    """The matrix; a cell leads to the firewalls that it counts."""
    listed = reverse("firewalls:list")
    state = {"state": choice.state} if choice.state else {}

    def link(row: Bundle, network: str) -> str:
        if row.fold is Fold.FIREWALL:
            return reverse("firewalls:detail", args=[row.key])
        query = {"partition": place.pk, str(row.fold): row.key, "joined": network, **state}
        return f"{listed}?{urlencode(query)}"

    return matrix(uses, choice, link)


def inside_of(planned: Plan, machines: Mapping[str, int]) -> inside.Inside:
    """The picture of a firewall; its networks lead to their pages."""
    return inside.draw(
        planned, machines, lambda network: reverse("networks:detail", args=[network])
    )


def download(name: str, template: str, shown: Mapping[str, Any]) -> HttpResponse:
    """A picture by itself, with the colours of the stylesheet."""
    found = finders.find("app.css")
    style = colours.standalone(Path(str(found)).read_text())
    context = {**shown, "style": style, "drawing": template}
    text = render_to_string("firewalls/picture/download.svg", context)
    headers = {"Content-Disposition": f'attachment; filename="{name}.svg"'}
    return HttpResponse(text, content_type="image/svg+xml", headers=headers)
