"""Sealed secrets: read again with the key and for the purpose, by nobody else."""

import pytest

from organizations.kernel import sealing


def test_what_is_sealed_is_read_again_and_hidden():
    sealed = sealing.seal("hush, ünlock", purpose="test")

    assert sealing.unseal(sealed, purpose="test") == "hush, ünlock"
    assert "hush" not in sealed
    assert sealing.seal("hush, ünlock", purpose="test") != sealed


def test_another_purpose_another_key_and_a_changed_text_open_nothing(settings):
    sealed = sealing.seal("hush", purpose="test")
    swapped = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]

    for text, purpose in ((sealed, "other"), (swapped, "test"), ("", "test"), ("ünsealed", "test")):
        with pytest.raises(sealing.Unreadable):
            sealing.unseal(text, purpose=purpose)
    settings.SECRET_KEY = "another key of the installation"
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed, purpose="test")


def test_a_key_that_was_changed_still_opens_as_a_fallback(settings):
    before = settings.SECRET_KEY
    sealed = sealing.seal("hush", purpose="test")

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key", [before]

    assert sealing.unseal(sealed, purpose="test") == "hush"
