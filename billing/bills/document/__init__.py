"""The bill as a document: what it says (``content``), in which words and formats (``locales``).

The layout is ``bill.typ`` and ``lines.typ``; they receive finished text as data and compute
nothing.
"""
