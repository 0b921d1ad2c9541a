"""What of who uses what is drawn as one, what is chosen, and the matrix of it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from firewalls.picture import choices, colours
from firewalls.picture.choices import Choice, chosen
from firewalls.picture.folding import MOST_EDGES, MOST_ROWS, Bundle, Fold, bundles, fold_that_fits
from firewalls.picture.matrix import matrix
from firewalls.picture.services import used
from firewalls.picture.values import Join, Uses
from tests.counting import ROOT
from tests.firewalls.uses import consumer, service, uses


def many(number: int, networks: int, **fields: object) -> Uses:
    """So many firewalls, each of which has joined two of so many networks."""
    names = [f"net-{one:02}" for one in range(networks)]
    firewalls = (
        consumer(
            f"f{one:03}",
            names[one % networks],
            names[one // networks % networks],
            project=f"team-{one % 100:02}",
            tenant=f"tenant-{one % 5}",
            **fields,
        )
        for one in range(number)
    )
    return Uses(tuple(firewalls), tuple(service(name) for name in names))


class TestFolding:
    def test_few_are_drawn_as_they_are(self) -> None:
        assert fold_that_fits(many(8, 3)) is Fold.FIREWALL

    def test_those_that_have_joined_the_same_are_drawn_as_one(self) -> None:
        of = many(60, 5)
        assert fold_that_fits(of) is Fold.SET
        rows = bundles(of, Fold.SET)
        assert len(rows) < 60 and all(
            len({frozenset(one.joined) for one in row.consumers}) == 1 for row in rows
        )

    def test_then_those_of_a_tenant(self) -> None:
        assert fold_that_fits(many(200, 10)) is Fold.TENANT

    def test_and_what_fits_no_map_takes_a_matrix(self) -> None:
        assert fold_that_fits(many(500, 75)) is None

    @given(uses(most=40))
    def test_what_fits_can_be_read_and_nothing_is_lost_or_drawn_twice(self, of: Uses) -> None:
        fold = fold_that_fits(of)
        assert fold is not None
        rows = bundles(of, fold)
        assert len(rows) <= MOST_ROWS and sum(len(row.joined) for row in rows) <= MOST_EDGES
        for each in Fold:
            folded = [one.key for row in bundles(of, each) for one in row.consumers]
            assert sorted(folded) == sorted(one.key for one in of.firewalls)

    def test_firewalls_of_one_network_have_the_same_machines_behind_them(self) -> None:
        two = tuple(consumer(key, "net", network="shop", machines=3) for key in "ab")
        assert Uses(two, ()).machines == 3

    def test_machines_of_another_address_family_are_not_behind_it(self) -> None:
        apart = consumer("a", joins=(Join("net", (), meets=False),))
        of = Uses((apart, consumer("b", "net", machines=5)), (service("net"),))
        assert of.machines == 5 and used(of)[0].machines == 5
        assert len(used(of)[0].users.consumers) == 2


class TestChoosing:
    of = Uses(
        (
            consumer("a", "net-1", "net-2", state="failed", tenant="cedar"),
            consumer("b", "net-1", "net-2", project="web"),
            consumer("c", "net-2", network="net-1"),
            consumer("idle"),
        ),
        (service("net-1"), service("net-2"), service("net-3")),
    )

    def keys(self, **choice: Any) -> list[str]:
        return [one.key for one in chosen(self.of, Choice(**choice)).firewalls]

    def test_those_that_use_nothing_are_left_out_unless_they_are_asked_for(self) -> None:
        assert self.keys() == ["a", "b", "c"]
        assert self.keys(firewall="idle") == ["idle"] == self.keys(network="idle")

    def test_by_what_they_are(self) -> None:
        assert self.keys(tenant="cedar") == ["a"] and self.keys(tenant="none") == ["b", "c"]
        assert self.keys(project="web") == ["b"] and self.keys(state="failed") == ["a"]
        assert self.keys(like="a") == ["a", "b"] and self.keys(like="nobody") == []
        assert self.keys(network="nothing") == []

    def test_around_a_network_are_those_that_use_it_with_that_alone_and_those_in_it(self) -> None:
        around = chosen(self.of, Choice(network="net-1"))
        assert {one.key: one.joined for one in around.firewalls} == {
            "a": ("net-1",),
            "b": ("net-1",),
            "c": ("net-2",),
        }
        assert [one.key for one in around.services] == ["net-1", "net-2"]

    def test_all_networks_are_shown_unless_something_is_chosen(self) -> None:
        assert len(chosen(self.of, Choice(view="matrix")).services) == 3
        assert len(chosen(self.of, Choice(project="web")).services) == 2

    @given(
        st.dictionaries(st.sampled_from(["tenant", "view", "pick"]), st.text("a&=?é "), max_size=3)
    )
    def test_a_choice_survives_its_own_url(self, given: dict[str, str]) -> None:
        from django.http import QueryDict

        choice = choices.read(given, ("tenant:a b", "project:é"))
        again = QueryDict(choice.query()[1:])
        assert choices.read(again.dict(), tuple(again.getlist("open"))) == choice


class TestMatrix:
    def link(self, row: Bundle, network: str) -> str:
        return f"{row.fold}/{row.key}/{network}"

    @given(uses())
    def test_rows_and_sums_count_every_join_once(self, of: Uses) -> None:
        made = matrix(of, Choice(), self.link)
        cells = [cell for line in made.lines if not line.depth for cell in line.cells]
        assert sum(cell.firewalls for cell in cells) == of.joins
        assert sum(one.firewalls for one in made.sums) == of.joins
        assert all(bool(cell.href) == bool(cell.firewalls) == bool(cell.shade) for cell in cells)

    def test_rows_open_by_url_from_tenant_to_project_to_firewall(self) -> None:
        of = many(18, 3)
        shut = matrix(of, Choice(), self.link)
        assert [line.title for line in shut.lines] == [f"tenant-{number}" for number in range(5)]
        assert "open=tenant%3Atenant-0" in shut.lines[0].toggle
        opened = matrix(of, Choice(open=("tenant:tenant-0", "project:team-05")), self.link)
        assert [(line.depth, line.title) for line in opened.lines[:4]] == [
            (0, "tenant-0"),
            (1, "team-00"),
            (1, "team-05"),
            (2, "f005-fw"),
        ]
        assert "tenant-0" not in opened.lines[0].toggle and opened.lines[3].toggle == ""

    def test_a_cell_bears_the_worst_state_of_its_firewalls(self) -> None:
        of = Uses(
            (
                consumer("a", "net"),
                consumer("b", "net", state="drifted"),
                consumer("c", "net", state="failed"),
            ),
            (service("net"),),
        )
        cell = matrix(of, Choice(), self.link).lines[0].cells[0]
        assert (cell.firewalls, cell.shape, cell.trouble) == (3, "bad", "1 failed")
        well = matrix(Uses(of.firewalls[:1], of.services), Choice(), self.link)
        assert well.lines[0].cells[0].shape == ""

    def test_the_order_of_rows_is_chosen(self) -> None:
        of = Uses(
            (
                consumer("a", "net", tenant="cedar"),
                consumer("b", "net", tenant="aspen", state="failed"),
                consumer("c", "net", tenant="cedar"),
                consumer("d", "net", tenant="birch", project="q"),
            ),
            (service("net"),),
        )
        titles = {
            order: [line.title for line in matrix(of, Choice(order=order), self.link).lines]
            for order in ("", "size", "name", "trouble", "nonsense")
        }
        assert titles["size"] == titles[""] == titles["nonsense"] == ["cedar", "aspen", "birch"]
        assert titles["name"] == ["aspen", "birch", "cedar"]
        assert titles["trouble"] == ["aspen", "cedar", "birch"]

    def test_columns_stand_by_owner(self) -> None:
        services = (
            service("b", project="two"),
            service("c"),
            service("a", project="two"),
            service("0", project="zoo"),
        )
        made = matrix(Uses((), services), Choice(), self.link)
        owners = [(group.owner, [one.key for one in group.services]) for group in made.groups]
        assert owners == [("two", ["a", "b"]), ("other projects", ["0", "c"])]

    def test_a_row_that_is_alone_is_open(self) -> None:
        of = Uses((consumer("a", "net"), consumer("b", "net", project="q")), (service("net"),))
        made = matrix(of, Choice(), self.link)
        assert [(line.title, line.toggle == "") for line in made.lines] == [
            ("none", True),
            ("q", False),
            ("shop", False),
        ]


def test_a_picture_that_leaves_the_product_has_its_colours_written_out() -> None:
    style = colours.standalone((ROOT / "config/static/app.css").read_text())
    assert ".map .box" in style and "var(" not in style and "light-dark" not in style
    assert "fill: #1d6b31" in style  # --ok, by day
