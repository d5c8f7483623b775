"""The catalogue as a file that people read: what is sold and measured, by codes, without ids.

``kinds``, ``values`` and ``diff`` are pure; ``files`` reads and writes YAML, ``stored`` reads the
database, ``applying`` writes it and ``touching`` finds the accounts that a change is billed to.
"""
