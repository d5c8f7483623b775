"""Questions about usage: raw measurements, or aggregates of them by account, time and dimension.

``shape`` and ``windows`` say what can be asked, ``checking`` holds it against the meters there are
and what the caller may see, ``running`` answers; the SQL is in ``usage.store``.
"""
