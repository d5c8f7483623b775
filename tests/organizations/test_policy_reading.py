"""What policies say in English, their normal form, and what looks like a mistake."""

import pytest

from organizations import policies, policy_reading

METER = "0190b5a0-0000-7000-8000-000000000001"
GROUP = "0190b5a0-0000-7000-8000-00000000000a"
NAMES = {("item", METER): "Tokens", ("group", GROUP): "EU"}


def allow(actions, *resources):
    """A statement that allows."""
    return {"effect": "allow", "action": actions.split(), "resource": list(resources)}


def deny(actions, *resources):
    """A statement that denies."""
    return {**allow(actions, *resources), "effect": "deny"}


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (policies.ADMINISTRATOR[0], "May do everything with everything."),
        (
            policies.READ_ONLY[0],
            "May take every action called retrieve and query analytics, on everything.",
        ),
        (allow("config:retrieve", "config:meter"), "May read every meter."),
        (
            allow("CONFIG_UPDATE CONFIG_RETRIEVE", "config:meter/*", "config:billGroupingKey"),
            "May read and change every meter and every bill grouping key.",
        ),
        (deny("config:*", "config:currency"), "May never create, read, change, delete and "
         "export operational data, on every currency."),
        (allow("config:create", f"config:meter/item/{METER}"), "May create the meter “Tokens”."),
        (
            allow("config:delete", f"config:meter/group/{GROUP}"),
            "May delete every meter in the group “EU”.",
        ),
        (allow("config:delete", "config:plan/group/*"), "May delete every plan in any group."),
        (allow("measurements:upload", "*"), "May submit measurements, on everything."),
        (allow("config:retrieve", "config:*"), "May read everything in config."),
        (
            deny("all", "config:plan/item/x1"),
            "May never do everything with the unknown plan x1.",
        ),
    ],
)  # fmt: skip
def test_a_statement_is_an_english_sentence(statement, sentence):
    assert policy_reading.sentence(statement, NAMES) == sentence


def test_both_spellings_have_one_normal_form():
    guides = allow("config:retrieve config:create", f"config:meter/item/{METER}", "config:Plan/*")
    typed = {
        "effect": "ALLOW",
        "action": ["CONFIG_CREATE", "CONFIG_RETRIEVE", "config:create"],
        "resource": ["config:plan", f"CONFIG:METER/ITEM/{METER.upper()}"],
    }

    assert policy_reading.normal_form(guides) == policy_reading.normal_form(typed)
    assert policy_reading.normal_form(typed) == {
        "effect": "allow",
        "action": ["config:create", "config:retrieve"],
        "resource": [f"config:meter/item/{METER}", "config:plan"],
    }


def test_the_normal_form_of_every_word_means_what_the_word_means():
    from organizations.policy_words import ACTIONS, RESOURCES

    for area, verbs in ACTIONS.items():
        for verb in (*verbs, "*"):
            (text,) = policy_reading.normal_form(allow(f"{area}:{verb}", "*"))["action"]
            assert policies.action_matches(text, f"{area}:{verbs[0] if verb == '*' else verb}")
    for service, kinds in RESOURCES.items():
        for kind in kinds:
            (text,) = policy_reading.normal_form(allow("all", f"{service}:{kind}"))["resource"]
            assert policies.parse(text) == policies.parse(f"{service}:{kind}")


def warnings(*statements):
    """What is said about each statement, then about all."""
    read = policy_reading.read(statements, NAMES)
    return [one.warnings for one in read.statements], read.warnings


def test_a_deny_that_empties_a_whole_area_is_told():
    each, _all = warnings(allow("all", "*"), deny("config:*", "config:meter/*"))

    assert each == [
        [],
        ["Empties a whole area: hides every meter, whatever else allows it."],
    ]


def test_a_deny_of_everything_is_told():
    each, of_all = warnings(allow("config:retrieve", "config:meter"), deny("all", "*"))

    assert each == [
        ["Has no effect: statement 2 denies all of it."],
        ["Empties the whole console: whoever holds this sees nothing, whatever else allows it."],
    ]
    assert of_all == ["Allows nothing by itself: it only takes away what other policies allow."]


def test_a_deny_that_leaves_reading_alone_is_not_told():
    each, _all = warnings(allow("all", "*"), deny("config:delete", "config:meter"))

    assert each == [[], []]


def test_an_id_no_row_has_is_told():
    each, _all = warnings(
        allow("config:retrieve", f"config:meter/item/{METER}", "config:meter/item/unknown-1"),
        allow("config:retrieve", "config:meter/group/g-1"),
    )

    assert each == [
        ["No row has the id unknown-1: it matches nothing until one has."],
        ["No group has the id g-1: it matches nothing until one has."],
    ]


def test_a_statement_said_twice_is_told():
    each, _all = warnings(
        allow("config:create config:retrieve", "config:plan"),
        allow("CONFIG_RETRIEVE CONFIG_CREATE", "config:plan/*"),
    )

    assert each == [[], ["Says the same as statement 1."]]


def test_a_policy_that_only_denies_is_told():
    _each, of_all = warnings(deny("config:delete", "config:meter"))

    assert of_all == ["Allows nothing by itself: it only takes away what other policies allow."]


def test_an_action_nothing_uses_is_told():
    each, _all = warnings(allow("forecast:retrieve config:retrieve", "*"))

    assert each == [["Nothing uses forecasts yet."]]


def test_a_deny_on_a_group_undoes_an_allow_on_that_group_and_no_other():
    undone, _all = warnings(
        allow("config:retrieve", f"config:meter/group/{GROUP}"),
        deny("config:*", "config:meter/group/*"),
    )
    standing, _all = warnings(
        allow("config:retrieve", "config:meter"),
        deny("config:*", f"config:meter/group/{GROUP}"),
    )

    assert (undone[0], standing[0]) == (["Has no effect: statement 2 denies all of it."], [])
