"""How the console writes numbers."""

from decimal import Decimal

import pytest

from organizations.kernel.console import show


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1051091.506849315068493151", "1,051,091.506849…"),
        ("105614.965116", "105,614.965116"),
        ("84", "84"),
        ("-0.0000001", "-0.000000…"),
        ("0", "0"),
    ],
)
def test_a_long_fraction_is_cut_and_says_so(number, text):
    assert show.shortened(Decimal(number)) == text
