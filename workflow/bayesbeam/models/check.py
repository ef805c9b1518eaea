"""Whether a component is complete and its formula does what a formula must; guards users' own files.

Decides what a fault of a component is and in which order faults are looked for: the table first, all of it at once,
then the formulas, whose checks stop at the first fault.
"""

from __future__ import annotations

from bayesbeam.errors import ModelError
from bayesbeam.models.base import Component
from bayesbeam.models.check_formula import derived_faults, formula_faults
from bayesbeam.models.check_table import Fault, table_faults


def component_faults(component: Component) -> list[Fault]:
    """Everything wrong with the table of a component or, where that is well, the first fault of each formula."""
    return table_faults(component) or [*formula_faults(component), *derived_faults(component)]


def check_component(component: Component) -> None:
    """Check the table of a component, and its formulas on random draws.

    Raises
    ------
    ModelError
        For the first thing that is missing or wrong; the message says which and how to mend it.
    """
    for fault in component_faults(component):
        where = f"component {component.name}: {fault.thing}"
        raise ModelError.at(where, fault.found, fault.expected, fault.remedy)
