"""Units: conversions against the definitions of the constants, units of derived parameters, refusals."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from bayesbeam.errors import DataError
from bayesbeam.units import check_unit, convert, resolve_unit, same_unit

# SI 2019: h = 6.62607015e-34 J s, c = 299792458 m/s, e = 1.602176634e-19 C, all exact.
HC_EV_NM = 6.62607015e-34 * 299792458 / 1.602176634e-19 * 1e9


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "expected"),
    [
        (100.0, "eV", "nm", HC_EV_NM / 100.0),
        (100.0, "nm", "eV", HC_EV_NM / 100.0),
        (2.0, "eV", "1/cm", 2.0 / HC_EV_NM * 1e7),
        (1e4, "cm-1", "nm", 1e3),
        (1e4, "cm^-1", "um", 1.0),
        (1.0, "THz", "meV", 6.62607015e-34 * 1e12 / 1.602176634e-19 * 1e3),
        (1.0, "keV", "eV", 1e3),
        (25.0, "degC", "K", 298.15),
        (-5.0, "°C", "K", 268.15),
        (0.0, "K", "degC", -273.15),
        (180.0, "deg", "radian", np.pi),
        (1.0, "Å", "nm", 0.1),
        (2.0, "angstrom^-1", "1/nm", 20.0),
        (-3.0, "mm/s", "m/s", -3e-3),
    ],
)
def test_convert(value: float, from_unit: str, to_unit: str, expected: float) -> None:
    """Relative 1e-9: the constants of pint are those of CODATA 2018 or later."""
    np.testing.assert_allclose(convert(np.array([value]), from_unit, to_unit), [expected], rtol=1e-9)


@pytest.mark.parametrize(
    ("from_unit", "to_unit", "value", "words"),
    [
        ("eV", "nmm", 1.0, "here: unknown unit 'nmm'; expected a unit. Did you mean nm?"),
        ("ElectronVolts!", "eV", 1.0, "here: unit 'ElectronVolts!'; expected a product of units. Write it like eV"),
        ("eV", "mm/s", 1.0, "here: eV cannot become mm/s; expected two units of the same kind."),
        ("eV", "nm", 0.0, "here: 0 eV has no counterpart in nm; expected positive values."),
        ("eV", "nm", -2.0, "here: -2 eV has no counterpart in nm"),
        ("eV", "m**99999999999", 1.0, "expected a product of units"),
        ("(" * 1000, "eV", 1.0, "expected a product of units"),
        ("__class__", "eV", 1.0, "expected"),
    ],
)
def test_refusals(from_unit: str, to_unit: str, value: float, words: str) -> None:
    with pytest.raises(DataError) as caught:
        convert(np.array([value, 1.0]), from_unit, to_unit, "here")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("unit", "x_unit", "y_unit", "expected"),
    [
        ("x", "eV", "counts", "eV"),
        ("1/x^2", "eV", "counts", "1/eV^2"),
        ("x*y", "eV", "counts", "eV counts"),
        ("y/x", "1/angstrom", "counts/s", "counts angstrom/s"),
        ("1/x^2", "cm-1", "", "cm^2"),
        ("1", "eV", "counts", "1"),
        ("y/y", "eV", "counts", "1"),
        ("y", "eV", "arb. units", "arb. units"),
        ("y", "eV", "a.u.", "a.u."),
        ("y*x", "eV", "a.u. (log)", "(a.u. (log)) eV"),
        ("y", "", "", "1"),
    ],
)
def test_resolve_unit(unit: str, x_unit: str, y_unit: str, expected: str) -> None:
    assert resolve_unit(unit, x_unit, y_unit) == expected


def test_same_unit_and_check() -> None:
    assert same_unit("eV", "electron_volt")
    assert same_unit("cm-1", "1/cm")
    assert not same_unit("eV", "keV")
    assert not same_unit("eV", "arb. stuff")
    assert same_unit("arb. stuff", "arb. stuff")
    check_unit("counts/s")
    with pytest.raises(DataError, match="Did you mean eV"):
        check_unit("eVV")


def test_pint_is_loaded_late() -> None:
    """Importing the package's files must not cost the time of pint."""
    code = (
        "import bayesbeam.io.store, bayesbeam.io.treatment, sys; print('pint' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
