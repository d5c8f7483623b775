"""PURE: the calculation language of derived fields, compound aggregations and notification rules.

A text is compiled once, against the names that are known where it is used, and evaluated as often
as needed. See docs/calculations.md.
"""

from catalog.calculations.compiler import Calculation, compile_calculation
from catalog.calculations.faults import CalculationFailed, CalculationRefused, Fault
from catalog.calculations.functions import FUNCTIONS
from catalog.calculations.names import (
    AggregationNames,
    FixedNames,
    Found,
    MeasurementNames,
    Names,
    UnknownName,
)
from catalog.calculations.parser import CONSTANTS, parse
from catalog.calculations.scope import Lookup, Scope
from catalog.calculations.types import ANY, Type, Value

__all__ = [
    "ANY",
    "CONSTANTS",
    "FUNCTIONS",
    "AggregationNames",
    "Calculation",
    "CalculationFailed",
    "CalculationRefused",
    "Fault",
    "FixedNames",
    "Found",
    "Lookup",
    "MeasurementNames",
    "Names",
    "Scope",
    "Type",
    "UnknownName",
    "Value",
    "compile_calculation",
    "parse",
]
