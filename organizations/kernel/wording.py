"""Counts in words: one of something is not several."""

from __future__ import annotations


def counted(number: int, plural: str) -> str:
    """Return ``1 meter`` or ``1,200 meters``; what follows ``with`` stays as it is."""
    head, joint, tail = plural.partition(" with ")
    if number == 1:
        head = f"{head[:-3]}y" if head.endswith("ies") else head.removesuffix("s")
    return f"{number:,} {head}{joint}{tail}"
