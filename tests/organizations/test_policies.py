"""What statements mean: words, wildcards, aliases, groups, order, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organizations import policies, policy_words
from organizations.kernel.errors import FieldRefused
from organizations.policies import Resource

ROW, OTHER, GROUP = "0190-row", "0190-other", "0190-group"


def allow(action, resource):
    """An allow of one action on one resource."""
    return {"effect": "allow", "action": [action], "resource": [resource]}


def deny(action, resource):
    """A deny of one action on one resource."""
    return {"effect": "DENY", "action": [action], "resource": [resource]}


def is_allowed(statements, action="config:retrieve", *, of="config:meter", item=None, groups=()):
    """Ask the engine."""
    service, kind = of.split(":")
    asked = Resource(service, kind, item, frozenset(groups))
    return policies.decide(statements, action, asked).is_allowed


@pytest.mark.parametrize(("written", "asked", "matches"), [
    ("config:create", "config:create", True),
    ("CONFIG_CREATE", "config:create", True),
    ("configcreate", "config:create", True),
    ("config:create", "config:retrieve", False),
    ("MEASUREMENTS_FILEUPLOAD", "measurements:fileupload", True),
    ("measurements:upload", "measurements:fileupload", False),
    ("*:upload", "measurements:fileupload", False),
    ("MARKETPLACE_USAGE_CREATE", "marketplaceusage:create", True),
    ("ALL", "audit:retrieve", True),
    ("all", "audit:retrieve", True),
    ("*", "audit:retrieve", True),
    ("*:*", "audit:retrieve", True),
    ("config:*", "config:export", True),
    ("CONFIG_*", "config:export", True),
    ("config:*", "measurements:export", False),
    ("*:retrieve", "measurements:retrieve", True),
    ("*:retrieve", "config:update", False),
])  # fmt: skip
def test_an_action_is_one_in_both_spellings_and_wildcards_stand_for_whole_words(
    written, asked, matches
):
    assert policies.action_matches(written, asked) is matches


@pytest.mark.parametrize(("written", "type_", "row", "other", "grouped"), [
    # What a GET of the type, of the row, of another row, and of a row in the group is told.
    ("*", True, True, True, True),
    ("config:*", True, True, True, True),
    ("*:*", True, True, True, True),
    ("*:meter", True, True, True, True),
    ("config:meter", True, True, True, True),
    ("CONFIG:METER", True, True, True, True),
    ("config:meter/*", True, True, True, True),
    ("config:meter/item/*", True, True, True, True),
    (f"config:meter/item/{ROW}", False, True, False, False),
    (f"config:*/item/{ROW}", False, True, False, False),
    (f"config:meter/group/{GROUP}", False, False, False, True),
    ("config:meter/group/*", False, False, False, True),
    ("config:meter/group/0190-nobody", False, False, False, False),
    ("config:plan", False, False, False, False),
    ("billing:*", False, False, False, False),
    ("analytics:usage", False, False, False, False),
])  # fmt: skip
def test_a_resource_covers_types_rows_and_groups(written, type_, row, other, grouped):
    statements = [allow("config:retrieve", written)]

    assert is_allowed(statements) is type_
    assert is_allowed(statements, item=ROW) is row
    assert is_allowed(statements, item=OTHER) is other
    assert is_allowed(statements, item="0190-third", groups=[GROUP]) is grouped


@pytest.mark.parametrize(("written", "asked", "matches"), [
    ("config:bill", "billing:bill", True),
    ("billing:billLineItem", "config:billLineItem", True),
    ("billing:*", "config:billJob", True),
    ("config:*", "billing:bill", True),
    ("analytics:bill", "billing:bill", False),
    ("billing:bill", "analytics:bill", False),
    ("config:user", "config:orgUser", True),
    ("config:orgUser", "config:user", True),
    ("config:planTemplate", "config:plan", False),
])  # fmt: skip
def test_aliases_hold_for_allow_and_deny_alike(written, asked, matches):
    assert is_allowed([allow("all", written)], of=asked) is matches
    assert is_allowed([allow("all", "*"), deny("all", written)], of=asked) is not matches


def test_without_a_statement_nothing_is_allowed_and_a_deny_beats_every_allow():
    decision = policies.decide(
        [allow("all", "*"), deny("config:update", "config:meter"), allow("config:update", "*")],
        "config:update",
        Resource("config", "meter", ROW),
    )

    assert is_allowed([]) is False
    assert decision.is_allowed is False
    assert decision.statement == deny("config:update", "config:meter")


@pytest.mark.parametrize("field", ["effect", "action", "resource"])
def test_a_statement_needs_all_three_parts(field):
    statement = {key: value for key, value in allow("all", "*").items() if key != field}

    with pytest.raises(FieldRefused) as refusal:
        policies.checked([statement])

    assert refusal.value.errors[0].field == f"permissionPolicy[0].{field}"


@pytest.mark.parametrize("action", [
    "config:approve", "ADMIN_USER", "con*", "config:re*", "config*", "", "*:approve", "all:*",
    "config", "c\x00onfig:create",
])  # fmt: skip
def test_an_unknown_action_is_refused_by_name(action):
    with pytest.raises(FieldRefused) as refusal:
        policies.checked([allow("config:create", "*"), allow(action, "*")])

    assert refusal.value.errors[0].field == "permissionPolicy[1].action[0]"
    assert repr(action) in refusal.value.message


@pytest.mark.parametrize("resource", [
    "config:met*", "config:nothing", "nowhere:meter", "config", "", "config:", ":meter", "**",
    "config:meter/item", "config:meter/item/", "config:meter/row/1", "config:meter/*/1",
    "config:meter/item/a/b", "config:meter/item/1*", "config:meter/item/a b", "conf*:meter",
    "config:meter/item/\x00", "config:meter/item/\ud800", "billing:plan", "config:meter:plan",
    "config:meter/", "*/item/1", "config:meter/item/" + "x" * 101,
])  # fmt: skip
def test_an_unknown_service_type_or_wildcard_inside_a_word_is_refused_by_name(resource):
    with pytest.raises(FieldRefused) as refusal:
        policies.checked([{**allow("all", "*"), "resource": ["*", resource]}])

    assert refusal.value.errors[0].field == "permissionPolicy[0].resource[1]"
    assert repr(resource) in refusal.value.message


@pytest.mark.parametrize("statements", [
    None, [], {}, "all", [None], [[]], [{"effect": 1, "action": ["all"], "resource": ["*"]}],
    [{**allow("all", "*"), "action": []}], [{**allow("all", "*"), "action": "all"}],
    [{**allow("all", "*"), "action": [1]}], [{**allow("all", "*"), "resource": []}],
    [{**allow("all", "*"), "resource": [["*"]]}], [{**allow("all", "*"), "effect": "maybe"}],
])  # fmt: skip
def test_what_is_no_list_of_statements_is_refused(statements):
    with pytest.raises(FieldRefused):
        policies.checked(statements)


def test_statements_are_kept_exactly_as_received():
    received = [
        {"effect": "ALLOW", "action": ["CONFIG_CREATE", "config:create", "All"],
         "resource": ["config:Plan/item/12345", "*", "config:meter/GROUP/AbC"]},
        {"effect": "deny", "action": ["*"], "resource": ["billing:bill"]},
    ]  # fmt: skip

    assert policies.checked(received) == received


def test_every_type_and_action_the_platform_documents_is_known():
    wire = ["ALL", "CONFIG_CREATE", "CONFIG_RETRIEVE", "CONFIG_UPDATE", "CONFIG_DELETE",
            "CONFIG_EXPORT", "ANALYTICS_QUERY", "MEASUREMENTS_UPLOAD", "MEASUREMENTS_FILEUPLOAD",
            "MEASUREMENTS_RETRIEVE", "MEASUREMENTS_EXPORT", "FORECAST_RETRIEVE",
            "HEALTHSCORES_RETRIEVE", "ANOMALIES_RETRIEVE", "EXPORTS_DOWNLOAD",
            "MARKETPLACE_USAGE_CREATE", "MARKETPLACE_USAGE_RETRIEVE", "AUDIT_RETRIEVE"]  # fmt: skip
    documented = ["config:plan", "config:meter", "config:orgUserInvitation",
                  "config:analyticsJob", "analytics:usage"]  # fmt: skip

    assert policies.checked([{"effect": "ALLOW", "action": wire, "resource": documented}])
    assert policy_words.group_type("meter") == "meter"
    assert policy_words.group_type("user") == policy_words.group_type("orgUser") == "orguser"
    assert policy_words.group_type("nothing") is None


# Laws ------------------------------------------------------------------------------------------

ACTIONS = ["all", "config:*", "config:retrieve", "CONFIG_UPDATE", "*:retrieve", "audit:retrieve"]
RESOURCES = [
    "*", "config:*", "config:meter", f"config:meter/item/{ROW}", f"config:meter/group/{GROUP}",
    "config:meter/group/*", "config:plan", "billing:bill", "config:bill",
    f"config:*/item/{OTHER}",
]  # fmt: skip
statements_of_any_kind = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["allow", "DENY"]),
        "action": st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2),
        "resource": st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3),
    }
)
allows = statements_of_any_kind.map(lambda statement: {**statement, "effect": "allow"})
denies = statements_of_any_kind.map(lambda statement: {**statement, "effect": "deny"})
questions = st.tuples(
    st.sampled_from(["config:retrieve", "config:update", "audit:retrieve"]),
    st.builds(
        Resource,
        st.just("config"),
        st.sampled_from(["meter", "plan", "bill"]),
        st.sampled_from([None, ROW, OTHER]),
        st.sampled_from([frozenset(), frozenset({GROUP})]),
    ),
)


def answer(statements, question):
    """Return only yes or no."""
    return policies.decide(statements, *question).is_allowed


@given(st.lists(statements_of_any_kind, max_size=6), st.randoms(), questions)
def test_shuffling_changes_nothing(statements, random, question):
    shuffled = random.sample(statements, len(statements))

    assert answer(shuffled, question) == answer(statements, question)


@given(st.lists(statements_of_any_kind, max_size=6), denies, questions)
def test_a_deny_more_never_allows_more(statements, more, question):
    assert answer([*statements, more], question) <= answer(statements, question)


@given(st.lists(allows, max_size=6), allows, questions)
def test_an_allow_more_never_allows_less(statements, more, question):
    assert answer([*statements, more], question) >= answer(statements, question)


def rows_hold(rows, row, groups):
    """Return whether a row is among the rows of a scope."""
    return (
        rows.is_all
        or row in rows.items
        or bool(rows.groups & groups)
        or (rows.is_any_group and bool(groups))
    )


@given(st.lists(statements_of_any_kind, max_size=6), questions)
def test_the_scope_of_a_list_holds_exactly_the_rows_that_may_be_read_one_by_one(
    statements, question
):
    action, asked = question
    row = asked.item_id or "0190-third"

    scope = policies.scope(statements, action, asked.service, asked.type)

    listed = rows_hold(scope.allowed, row, asked.group_ids) and not rows_hold(
        scope.denied, row, asked.group_ids
    )
    one = Resource(asked.service, asked.type, row, asked.group_ids)
    assert listed == policies.decide(statements, action, one).is_allowed
    assert not (scope.is_nothing and listed)
    assert not (scope.is_everything and not listed)


ALL = {"effect": "ALLOW", "action": ["ALL"], "resource": ["*"]}


@pytest.mark.parametrize(
    ("statements", "is_everything"),
    [
        ([ALL], True),
        ([{"effect": "allow", "action": ["config:create", "*:*"], "resource": ["*"]}], True),
        ([], False),
        ([{**ALL, "action": ["config:*"]}], False),
        ([{**ALL, "resource": ["config:*", "billing:*"]}], False),
        ([ALL, {"effect": "deny", "action": ["audit:retrieve"], "resource": ["*"]}], False),
    ],
)
def test_everything_is_allowed_by_one_statement_of_everything_without_any_deny(
    statements, is_everything
):
    assert policies.is_everything_allowed(statements) is is_everything
