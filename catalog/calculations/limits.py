"""What a calculation may cost. The language has no loops, so its length bounds its operations;
these bound what each operation, and the parser, may do.
"""

from typing import Final

# usage.md 2.5: 1 to 5,000 characters; notification rules take fewer (B9).
LONGEST: Final = 5000
LONGEST_RULE: Final = 4000
# Brackets inside brackets (B9).
DEEPEST_BRACKETS: Final = 100
# Operations inside operations. Each takes a frame of Python's stack when it is evaluated.
DEEPEST: Final = 220
# Digits of a number (usage.md 7.4), and how far from the point they may stand.
DIGITS: Final = 34
LARGEST_EXPONENT: Final = 6144
# Places before or after the point that rounding may name.
LARGEST_SCALE: Final = 100
# Characters of a text that joining may make.
LONGEST_TEXT: Final = 10_000
MOST_FAULTS: Final = 10
