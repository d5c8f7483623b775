"""Due bills and windows that the golden situations do not show."""

from __future__ import annotations

from datetime import UTC, date
from uuid import uuid4

from billing.rating.cycles import BillFrequency, BillKey, Cycle
from billing.rating.schedule import (
    EffectiveWindow,
    PlanSchedule,
    PricingCandidate,
    ScheduledPlan,
    coming_windows,
    contributing,
    due_bills,
    effective_windows,
    usage_windows,
)
from organizations.kernel.periods import Period, parse_timezone
from tests.billing.rating.making import JULY_1, JUNE, MONTHLY, at, between

AGGREGATION = uuid4()


def make_candidate(period: Period, on_plan: bool = True, **overrides) -> PricingCandidate:
    values = {
        "pricing_id": uuid4(),
        "aggregation_id": AGGREGATION,
        "segment": (),
        "on_plan": on_plan,
        "period": period,
    }
    return PricingCandidate(**values | overrides)


def make_scheduled(start: str, end: str | None = None, **overrides) -> ScheduledPlan:
    return ScheduledPlan(
        **{"id": uuid4(), "cycle": MONTHLY, "period": between(start, end)} | overrides
    )


def test_plans_of_one_rhythm_share_one_bill_and_others_have_their_own():
    monthly, other = make_scheduled("2024-01-01"), make_scheduled("2024-06-20")
    yearly = make_scheduled("2024-01-01", cycle=Cycle(BillFrequency.ANNUALLY, 1, date(2022, 1, 1)))

    due = due_bills([monthly, yearly, other], date(2024, 6, 25), UTC)

    assert [bill.account_plan_ids for bill in due] == [(monthly.id, other.id), (yearly.id,)]
    assert [bill.key.boundary for bill in due] == [JULY_1, date(2025, 1, 1)]


def test_a_grouping_key_has_a_bill_of_its_own():
    plain = make_scheduled("2024-01-01")
    grouped = make_scheduled("2024-01-01", grouping="contract 7")

    due = due_bills([plain, grouped], date(2024, 6, 25), UTC)

    assert [(bill.key.grouping, bill.account_plan_ids) for bill in due] == [
        ("", (plain.id,)),
        ("contract 7", (grouped.id,)),
    ]


def test_a_plan_without_charges_in_advance_is_not_due_the_day_it_starts():
    plan = make_scheduled("2024-07-01")

    assert due_bills([plan], date(2024, 6, 30), UTC) == []


def test_an_account_without_plans_has_no_bills():
    assert due_bills([], date(2024, 6, 30), UTC) == []


def test_a_bill_carries_only_plans_whose_boundary_it_is():
    on_first = make_scheduled("2024-01-01")
    on_15th = make_scheduled("2024-01-01", cycle=Cycle(BillFrequency.MONTHLY, 1, date(2022, 1, 15)))
    not_yet = make_scheduled("2024-01-01", cycle=Cycle(BillFrequency.MONTHLY, 1, date(2025, 1, 1)))

    carried = contributing(
        [on_first, on_15th, not_yet], BillKey(BillFrequency.MONTHLY, 1, JULY_1), UTC
    )

    assert carried == (on_first,)


def test_a_new_epoch_moves_the_first_bill_back_to_the_start_of_the_earliest_plan():
    cycle = Cycle(BillFrequency.MONTHLY, 1, date(2024, 7, 1))
    early = make_scheduled("2024-03-10", cycle=cycle)
    late = make_scheduled("2024-06-10", cycle=cycle)

    (due,) = due_bills([late, early], date(2024, 6, 25), UTC)

    assert due.period == between("2024-03-10", "2024-07-01")


def test_a_template_price_fills_only_the_gaps_of_the_plan_price():
    template = make_candidate(between("2000-01-01"), on_plan=False)
    plan = make_candidate(between("2024-06-11", "2024-06-21"))

    windows = effective_windows([template, plan], JUNE)

    assert windows == [
        EffectiveWindow(plan.pricing_id, between("2024-06-11", "2024-06-21")),
        EffectiveWindow(template.pricing_id, between("2024-06-01", "2024-06-11")),
        EffectiveWindow(template.pricing_id, between("2024-06-21", "2024-07-01")),
    ]


def test_another_segment_or_aggregation_is_priced_beside_it():
    plan = make_candidate(between("2000-01-01"))
    segment = make_candidate(between("2000-01-01"), on_plan=False, segment=(("region", "eu"),))
    other = make_candidate(between("2000-01-01"), on_plan=False, aggregation_id=uuid4())

    windows = effective_windows([plan, segment, other], JUNE)

    assert [window.period for window in windows] == [JUNE, JUNE, JUNE]


def test_prices_that_should_not_overlap_never_rate_the_same_instant_twice():
    first = make_candidate(between("2024-01-01", "2024-06-16"))
    second = make_candidate(between("2024-06-11"))

    windows = effective_windows([first, second], JUNE)

    assert [window.period for window in windows] == [
        between("2024-06-01", "2024-06-16"),
        between("2024-06-16", "2024-07-01"),
    ]


def test_usage_windows_are_cut_by_plan_price_and_bill():
    schedule = PlanSchedule(MONTHLY, between("2024-06-05T06:30", "2024-06-25T18:00"), UTC)
    price = make_candidate(between("2024-06-10"))

    windows = usage_windows([price], schedule, JULY_1)

    assert [window.period for window in windows] == [between("2024-06-10", "2024-06-25T18:00")]


def test_coming_windows_lie_in_the_period_that_opens_and_not_before_the_plan_does():
    price = make_candidate(between("2024-01-01"))
    running = PlanSchedule(MONTHLY, between("2024-01-01", "2024-07-11"), UTC)
    later = PlanSchedule(MONTHLY, between("2024-07-05"), UTC)

    assert [window.period for window in coming_windows([price], running, JULY_1)] == [
        between("2024-07-01", "2024-07-11")
    ]
    assert coming_windows([price], later, JULY_1) == []


def test_windows_follow_the_timezone_of_the_bill():
    schedule = PlanSchedule(MONTHLY, between("2024-01-01"), parse_timezone("UTC+2:00"))
    price = make_candidate(between("2024-01-01"))

    (window,) = usage_windows([price], schedule, JULY_1)

    assert window.period == Period(at("2024-05-31T22:00"), at("2024-06-30T22:00"))
