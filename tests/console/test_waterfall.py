"""From usage to total: the bars of a bill."""

from decimal import Decimal

from billing.admin import waterfall
from billing.admin.waterfall import LEFT, WIDTH

D = Decimal


def shown(amounts):
    """Return label, amount, kind and extent of each bar; extents count from the left edge."""
    return [
        (bar.label, bar.amount, bar.kind, bar.x - LEFT, bar.x - LEFT + bar.width)
        for bar in waterfall.steps(amounts)
    ]


def test_each_bar_begins_where_the_one_before_ended():
    assert shown([("Usage", D(30)), ("Standing charge", D(10))]) == [
        ("Usage", D(30), "plus", 0, 315),
        ("Standing charge", D(10), "plus", 315, 420),
        ("Total", D(40), "total", 0, 420),
    ]


def test_a_credit_goes_back_towards_the_start():
    assert shown([("Usage", D(40)), ("Refund", D(-10))]) == [
        ("Usage", D(40), "plus", 0, 420),
        ("Refund", D(-10), "minus", 315, 420),
        ("Total", D(30), "total", 0, 315),
    ]


def test_a_bill_below_zero_begins_right_of_the_edge():
    bars = shown([("Usage", D(10)), ("Refund", D(-30))])

    assert bars == [
        ("Usage", D(10), "plus", 280, 420),
        ("Refund", D(-30), "minus", 0, 420),
        ("Total", D(-20), "total", 0, 280),
    ]


def test_equal_labels_are_added_up_and_what_comes_to_nothing_is_left_out():
    bars = shown([("Usage", D(1)), ("Fee", D(5)), ("Usage", D(2)), ("Fee", D(-5))])

    assert [(label, amount) for label, amount, *_rest in bars] == [
        ("Usage", D(3)),
        ("Total", D(3)),
    ]


def test_beyond_twelve_labels_the_smallest_are_shown_together():
    bars = shown([(f"Line {n}", D(n)) for n in range(1, 21)])

    # 1 + 2 + ... + 9 = 45 are the nine smallest of twenty; eleven stay by themselves.
    assert len(bars) == 13
    assert bars[-2][:2] == ("Other", D(45))
    assert bars[-1][:2] == ("Total", D(210))


def test_a_bill_of_nothing_has_a_total_of_nothing():
    assert shown([("Usage", D(0))]) == [("Total", D(0), "total", 0, 2)]
    assert WIDTH == 420
