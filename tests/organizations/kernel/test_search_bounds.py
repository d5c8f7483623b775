"""A search query has bounds, so that none costs seconds (B5)."""

import pytest
from django.db.models import Q

from organizations.kernel import ids
from organizations.kernel.api import search
from organizations.kernel.errors import FieldRefused

FIELDS = {"name": search.Field("name"), **search.AUDIT}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("$".join(["name~a"] * 51), "at most 50 terms"),
        ("$".join(["name~a"] * 6000), "at most 10,000 characters"),
        ("name~" + "a" * 501, "at most 500 characters"),
        ("name:" + "a," * 300, "at most 500 characters"),
        ("ids:" + ",".join(str(ids.new_id()) for _ in range(201)), "at most 200 values"),
    ],
)
def test_what_is_too_much_is_refused_in_words(query, words):
    with pytest.raises(FieldRefused, match=words):
        search.condition(query, "OR", FIELDS)


def test_fifty_terms_and_two_hundred_ids_are_fine():
    assert isinstance(search.condition("$".join(["name~a"] * 50), "OR", FIELDS), Q)
    many = ",".join(str(ids.new_id()) for _ in range(200))
    assert isinstance(search.condition(f"ids:{many}", "AND", FIELDS), Q)
