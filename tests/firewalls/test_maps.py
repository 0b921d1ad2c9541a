"""Maps of who uses what: nothing lies over anything, and nothing moves without need."""

from itertools import combinations
from random import Random

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from firewalls.models.states import State
from firewalls.picture import captions, texts
from firewalls.picture.folding import MOST_ROWS, Fold, bundles
from firewalls.picture.maps import draw
from firewalls.picture.shapes import Box, Label, Map
from firewalls.picture.values import SEVERITY, Uses, shape
from tests.counting import ROOT
from tests.firewalls.uses import consumer, service, uses

Area = Box | Label


def link(kind: str, key: str) -> str:
    return f"/{kind}/{key}"


def drawing(of: Uses, fold: Fold = Fold.FIREWALL) -> Map:
    return draw(of, bundles(of, fold), link)


def apart(one: Area, other: Area) -> bool:
    """Whether neither covers anything of the other."""
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or bottom(one) <= top(other)
        or bottom(other) <= top(one)
    )


def top(area: Area) -> float:
    return area.y if isinstance(area, Box) else area.top


def bottom(area: Area) -> float:
    return area.bottom if isinstance(area, Box) else area.top + 14


@given(uses(), st.sampled_from(Fold))
def test_no_box_lies_over_another_one_and_all_are_inside_the_frame(of: Uses, fold: Fold) -> None:
    made = drawing(of, fold)
    labels = [edge.label for edge in made.edges if edge.label]
    areas: list[Area] = [*made.boxes, *labels]
    for one, other in combinations(areas, 2):
        assert apart(one, other), (one, other)
    for area in areas:
        assert area.x >= 0 and area.x + area.width <= made.width, area
        assert top(area) >= 0 and bottom(area) <= made.height, area


@given(uses(), st.sampled_from(Fold))
def test_edges_begin_and_end_at_what_they_connect(of: Uses, fold: Fold) -> None:
    made = drawing(of, fold)
    left = {box.key: box for way in made.ways for box in (*way.firewalls, way.home)}
    right = {box.key: box for one in made.targets for box in (one.network, one.serves)}
    firewalls = {box.key: box for way in made.ways for box in way.firewalls}
    for edge in made.edges:
        source = firewalls.get(edge.source) if edge.label else left.get(edge.source)
        source = source or right[edge.source]
        target = right.get(edge.target) or firewalls[edge.target]
        if not edge.label and edge.source in {way.home.key for way in made.ways}:
            source = next(way.home for way in made.ways if way.home.key == edge.source)
        for (x, y), box, side in (
            (edge.start, source, source.right),
            (edge.end, target, target.x),
        ):
            assert x == side and box.y < y < box.bottom, edge


@given(uses(), st.randoms(use_true_random=False))
def test_the_order_in_which_it_is_told_changes_nothing(of: Uses, random: Random) -> None:
    firewalls, services = list(of.firewalls), list(of.services)
    random.shuffle(firewalls)
    random.shuffle(services)
    assert drawing(Uses(tuple(firewalls), tuple(services))) == drawing(of)


@given(uses("a"), uses("b", most=6))
def test_what_has_nothing_to_do_with_it_moves_it_as_a_whole_or_not_at_all(
    of: Uses, other: Uses
) -> None:
    """Whatever hangs together keeps its shape and its order, to the pixel."""
    both = Uses((*of.firewalls, *other.firewalls), (*of.services, *other.services))
    before, after = positions(drawing(of)), positions(drawing(both))
    order = sorted(before, key=lambda key: before[key])
    assert [key for key in sorted(after, key=lambda key: after[key]) if key in before] == order
    for group in together(of):
        moved = {(after[key][0] - before[key][0], after[key][1] - before[key][1]) for key in group}
        assert len(moved) <= 1 and all(abs(x) < 0.01 for x, _ in moved), group


def positions(made: Map) -> dict[tuple[str, str], tuple[float, float]]:
    return {(box.kind, box.key): (box.x, round(box.y, 2)) for box in made.boxes}


def together(of: Uses) -> list[set[tuple[str, str]]]:
    """What hangs together: firewalls with their networks, over whatever they share."""
    groups: list[set[tuple[str, str]]] = []
    for one in of.firewalls:
        mine = {("home", one.network), ("firewall", one.key)}
        for network in one.joined:
            mine |= {("shared", network), ("serves", f"{network} serves")}
        meeting = [group for group in groups if group & mine]
        groups = [group for group in groups if group not in meeting]
        groups.append(mine.union(*meeting))
    return groups


def test_something_is_drawn_of_a_network_that_nobody_uses() -> None:
    made = drawing(Uses((), (service("storage"),)))
    assert [box.title for box in made.boxes] == ["storage", "no machines"]


def test_firewalls_of_one_network_stand_beside_it_and_each_shows_its_address() -> None:
    two = [
        consumer("a", "storage", network="shop"),
        consumer("b", "storage", network="shop", outside=("internet",)),
    ]
    made = drawing(Uses(tuple(two), (service("storage"),)))
    assert [way.home.title for way in made.ways] == ["shop"]
    assert [box.title for box in made.ways[0].firewalls] == ["a-fw", "b-fw"]
    assert [edge.label.text for edge in made.edges if edge.label] == ["10.128.0.9"] * 2
    below = [box.below for box in made.ways[0].firewalls]
    assert below == ["no external network", ""] and made.ways[0].firewalls[1].chips


def test_many_firewalls_that_are_drawn_as_one_make_a_thick_line_that_says_how_many() -> None:
    firewalls = [consumer(f"f{number}", "storage") for number in range(16)]
    odd = consumer("odd", "storage", "backup")
    of = Uses((*firewalls, odd), (service("storage"), service("backup")))
    lines = {edge.group: edge for edge in drawing(of, Fold.PROJECT).edges if edge.label}
    labels = {group: edge.label.text for group, edge in lines.items() if edge.label}
    assert sorted(labels.values()) == ["1 of them", "all of them"]
    thick, thin = sorted((edge.width for edge in lines.values()), reverse=True)
    assert thick > 2 * thin


def test_a_line_where_no_address_family_meets_says_so() -> None:
    lone = consumer("lone", "storage")
    apart = [join._replace(meets=False) for join in lone.joins]
    of = Uses((consumer("lone", joins=tuple(apart)),), (service("storage"),))
    line = next(edge for edge in drawing(of).edges if edge.label)
    assert not line.meets and "no address family in common" in line.hint


@pytest.mark.parametrize(
    ("pick", "ways", "targets"),
    [
        ("", {"a", "b"}, {"storage", "backup"}),
        ("a", {"a"}, {"storage", "backup"}),
        ("b", {"b"}, {"backup"}),
        ("storage", {"a"}, {"storage"}),
        ("nothing", {"a", "b"}, {"storage", "backup"}),
    ],
)
def test_what_is_picked_stands_out_with_what_belongs_to_it(
    pick: str, ways: set[str], targets: set[str]
) -> None:
    firewalls = (consumer("a", "storage", "backup"), consumer("b", "backup"))
    of = Uses(firewalls, (service("storage"), service("backup")))
    made = draw(of, bundles(of, Fold.FIREWALL), link, pick)
    assert {way.home.key for way in made.ways if way.picked} == ways
    assert {one.network.key for one in made.targets if one.picked} == targets


@given(st.text(min_size=1), st.floats(20, 400))
def test_a_shortened_text_fits_and_keeps_its_beginning_and_its_end(text: str, room: float) -> None:
    short = texts.shortened(text, room, texts.SMALL)
    assert len(short) <= max(3, room / texts.SMALL)
    if short != text:
        begin, end = short.split(texts.DOTS) if text.count(texts.DOTS) == 0 else ("", "")
        assert text.startswith(begin) and text.endswith(end)


@given(st.lists(st.text("ab-", min_size=1, max_size=30), max_size=6), st.floats(60, 300))
def test_as_many_chips_are_shown_as_fit_and_the_rest_is_counted(
    names: list[str], room: float
) -> None:
    shown = texts.fitting(names, room, texts.SMALL, 15)
    assert sum(texts.width(text, texts.SMALL) + 15 for text in shown) <= room + 15
    left = int(shown[-1]) if shown and shown[-1].startswith("+") else 0
    assert len(shown) - bool(left) + left == len(names)


@pytest.mark.parametrize("state", State)
def test_a_state_has_the_same_shape_and_word_in_a_picture_as_on_pages(state: State) -> None:
    page = render_to_string("state.html", {"state": state.value})
    assert f'class="state {shape(state.value)}"' in page
    assert f"</i>{captions.word(state.value)}<" in page
    assert state.value in SEVERITY and len(SEVERITY) == len(State)


def test_the_stylesheet_lights_up_every_network_that_a_map_may_have_and_colours_every_stripe() -> (
    None
):
    css = (ROOT / "config/static/app.css").read_text()
    for number in range(MOST_ROWS):
        assert f".map:has(.target.n{number}:is(" in css and f".way.n{number}:is(" in css
    for number in range(captions.STRIPES):
        assert f".map .p{number} {{" in css
