"""What an account holds of its counters is a picture on its page."""

from datetime import date

from billing.admin import staircase
from billing.models import Account
from tests import factories
from tests.catalog import rows

TODAY = date(2024, 7, 1)


def test_each_value_is_a_step_as_high_as_its_share_of_the_highest():
    drawn = staircase.draw([(date(2024, 6, 1), 10), (date(2024, 6, 16), 20)], TODAY)

    # 1 June to 1 July are 30 days; 30 / 12 = 2 more are drawn: 32 days on 800 points.
    assert [(step.value, step.x, step.width, step.y, step.height) for step in drawn.steps] == [
        (10, 0, 375, 76, 56),
        (20, 375, 425, 20, 112),
    ]
    assert (drawn.today_x, drawn.held, drawn.until) == (750, 20, date(2024, 7, 3))


def test_a_value_set_ahead_is_drawn_apart_and_not_held_today():
    drawn = staircase.draw([(date(2024, 6, 1), 10), (date(2024, 8, 1), 15)], TODAY)

    assert [step.is_ahead for step in drawn.steps] == [False, True]
    assert drawn.held == 10


def test_only_the_latest_year_is_drawn_with_what_was_held_when_it_began():
    drawn = staircase.draw([(date(2020, 1, 1), 3), (date(2024, 6, 1), 5)], TODAY)

    assert [(step.since, step.value) for step in drawn.steps] == [
        (date(2023, 7, 2), 3), (date(2024, 6, 1), 5)
    ]  # fmt: skip


def test_nothing_held_is_a_step_of_no_height_and_no_values_are_no_picture():
    assert staircase.draw([], TODAY) is None
    [step] = staircase.draw([(date(2024, 7, 1), 0)], TODAY).steps
    assert (step.value, step.height) == (0, 0)


def test_the_page_of_an_account_shows_the_stairs_of_its_counters(console, founded):
    account = factories.make_account(founded.organization)
    seats = rows.make_counter(founded.organization, name="Desk <seats>")
    rows.make_counter_adjustment(account, seats, date(2024, 5, 1), 1250)

    page = console.text(console.get(Account, "change", account))

    assert "Desk &lt;seats&gt;: 1,250 seats today" in page
    assert "<title>1,250 seats from" in page
