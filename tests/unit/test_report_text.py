"""Numbers, units and names as the report writes them."""

from __future__ import annotations

import pytest

from bayesbeam.report import text

PM = text.PLUS_MINUS


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (284.70012, 0.0123, f"284.700{PM}0.012"),  # below 355: two digits
        (0.588, 0.0355, f"0.59{PM}0.04"),  # 355 and above: one
        (0.2317, 0.0099, f"0.232{PM}0.010"),  # 950 to 999 become 1000, with two digits
        (9100.4, 41.0, f"9100{PM}40"),
        (12345.0, 1500.0, f"12300{PM}1500"),
        (-0.0004, 0.2, f"0.00{PM}0.20"),  # no minus before a zero
        (-5.25, 0.1, f"\u22125.25{PM}0.10"),
        (1.5e7, 2.0e5, f"(1.500{PM}0.020)\u00a0\u00d7\u00a010⁷"),
        (3.0e-6, 1.0e-6, f"(3.0{PM}1.0)\u00a0\u00d7\u00a010⁻⁶"),
        (1.25, 0.0, "1.25"),
        (1.25, None, "1.25"),
        (float("nan"), 1.0, "\u2013"),
        (None, 1.0, "\u2013"),
        (1.25, float("inf"), "1.25"),
    ],
)
def test_uncertainty_sets_the_digits(value: float | None, error: float | None, expected: str) -> None:
    """Rounding rule of the Particle Data Group, cases worked by hand."""
    assert text.plus_minus(value, error) == expected


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.93, 0.021, f"0.93{PM}0.02"),
        (0.9623, 0.0041, f"0.962{PM}0.004"),
        (0.6, 1e-9, f"0.600{PM}0.001"),
        (0.522, 0.0, "0.52"),
        (1.0, 0.0, ">\u00a00.999"),
        (1e-40, 1e-41, "<\u00a00.001"),
        (0.0, None, "<\u00a00.001"),
        (0.43, None, "0.43"),
        (None, None, "\u2013"),
    ],
)
def test_probability_never_claims_certainty(value: float | None, error: float | None, expected: str) -> None:
    assert text.probability(value, error) == expected


def test_exact_free_energies_are_told_to_a_hundredth() -> None:
    assert [text.nats(-131.6875, one) for one in (None, 0.0)] == ["\u2212131.69", "\u2212131.69"]
    assert text.nats(216.4, 0.12) == f"216.40{PM}0.12"
    assert text.nats(None) == "\u2013"


@pytest.mark.parametrize(
    ("low", "high", "error", "expected"),
    [
        (-4.928e-5, -3.132e-5, 3e-6, "(\u22124.93 to \u22123.13)\u00a0\u00d7\u00a010⁻⁵"),
        (-1.2e6, 3.4e6, 2e5, "(\u22121.20 to 3.40)\u00a0\u00d7\u00a010⁶"),
        (0.05, 0.68, 0.1, "0.05 to 0.68"),
        (0.0, 0.0, None, "0 to 0"),
        (None, 1.0, 0.1, "\u2013"),
    ],
)
def test_both_ends_of_an_interval_have_the_digits_of_its_error(
    low: float | None, high: float | None, error: float | None, expected: str
) -> None:
    assert text.between(low, high, error) == expected


def test_numbers_of_programs_become_readable() -> None:
    assert text.readable("sigma of 2.49e+03 +- 4.9e+02 eV, 7e-11 +- 0.2") == (
        "sigma of 2490 ± 490 eV, 7\u00a0\u00d7\u00a010⁻¹¹ ± 0.2"
    )


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("1", ""),
        ("", ""),
        ("eV", "eV"),
        ("1/eV^2", "eV⁻²"),
        ("1/eV", "eV⁻¹"),
        ("counts eV", "counts·eV"),
        ("counts/eV^2", "counts/eV²"),
        ("angstrom^-1", "angstrom⁻¹"),
    ],
)
def test_units_are_raised_and_dotted(unit: str, expected: str) -> None:
    assert text.pretty_unit(unit) == expected


def test_clean_removes_what_xml_and_html_cannot_hold() -> None:
    """Control characters, lone surrogates and reversed directions are replaced; the rest is left to escaping."""
    assert text.clean("a\x00b\x1bc\ud800d\u202ee") == "a\ufffdb\ufffdc\ufffdd\ufffde"
    assert text.clean("<b>&\"'") == "<b>&\"'"
    assert text.clean("x" * 500).endswith("…")
    assert len(text.clean("x" * 500)) == 400


def test_sentences_list_with_and() -> None:
    assert text.listed([]) == ""
    assert text.listed(["a"]) == "a"
    assert text.listed(["a", "b", "c"]) == "a, b and c"


def test_durations_are_for_people() -> None:
    assert [text.duration(one) for one in (0.42, 35.2, 240, 9000, None)] == [
        "0.4 s",
        "35 s",
        "4 min",
        "2.5 h",
        "\u2013",
    ]
