"""The prior grammar: what it reads, how it is written back, and what it refuses."""

from __future__ import annotations

import pytest

from bayesbeam.config.expression import DATA_WORDS, PriorSpec, fixed
from bayesbeam.config.grammar import MAX_DEPTH, MAX_LENGTH, parse_prior
from bayesbeam.errors import BayesbeamError, ConfigError, ModelError

WORDS = dict.fromkeys(DATA_WORDS, 1.0) | {"x_min": 280.0, "x_max": 296.0, "x_mid": 288.0, "x_span": 16.0, "y_max": 5e3}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("normal(1.5, 0.4472)", "normal(mean=1.5, sd=0.4472)"),
        ("  normal( sd = 2 , mean = x_mid )  ", "normal(mean=x_mid, sd=2)"),
        ("gamma(5, rate=4e-2)", "gamma(shape=5, rate=0.04)"),
        ("uniform(x_min, x_max - 2*(x_min - 1))", "uniform(low=x_min, high=x_max - 2 * (x_min - 1))"),
        ("uniform(-x_span, --3)", "uniform(low=-x_span, high=-(-3))"),
        ("uniform(1 - 2 - 3, 8 / 4 / 2)", "uniform(low=1 - 2 - 3, high=8 / 4 / 2)"),
        ("uniform(1 - (2 - 3), 8 / (4 / 2))", "uniform(low=1 - (2 - 3), high=8 / (4 / 2))"),
        ("truncated_normal(0, 1, low=-2)", "truncated_normal(mean=0, sd=1, low=-2)"),
        ("beta(2, 4)", "beta(a=2, b=4)"),
        ("fixed(.5)", "fixed(value=0.5)"),
        ("fixed(1e-3)", "fixed(value=0.001)"),
    ],
)
def test_reads_and_writes_back(text: str, canonical: str) -> None:
    spec = parse_prior(text)
    assert str(spec) == canonical
    assert parse_prior(canonical) == spec


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("uniform(1 - 2 - 3, 8 / 4 / 2)", {"low": -4.0, "high": 1.0}),
        ("uniform(1 - (2 - 3), 2 + 3 * 4)", {"low": 2.0, "high": 14.0}),
        ("uniform(-x_min * -2, x_max / x_span)", {"low": 560.0, "high": 18.5}),
        ("uniform(-(1 + 2) * 3, +5)", {"low": -9.0, "high": 5.0}),
        ("normal(y_max / (4 * x_span), 1)", {"mean": 78.125, "sd": 1.0}),
    ],
)
def test_arithmetic(text: str, values: dict[str, float]) -> None:
    assert parse_prior(text).values(WORDS) == values


def test_needs_and_fixed() -> None:
    assert parse_prior("uniform(x_min, x_max + noise)").needs == {"x_min", "x_max", "noise"}
    assert parse_prior("normal(0, 1)").needs == frozenset()
    assert fixed(-3.0) == parse_prior("fixed(value=-3)")
    assert fixed(-3.0).fixed
    assert not parse_prior("normal(0, 1)").fixed


def test_resolve_gives_a_prior_with_the_words_filled_in() -> None:
    prior = parse_prior("uniform(x_min, x_max)").resolve(WORDS)
    assert prior.values == (280.0, 296.0)
    assert parse_prior("beta(2, 4)").resolve({}).arguments == {"a": 2.0, "b": 4.0, "low": 0.0, "high": 1.0}


def test_resolve_without_a_word_names_it() -> None:
    with pytest.raises(ConfigError, match="no value for x_max, x_min; expected every data word"):
        parse_prior("uniform(x_min, x_max)").resolve({"noise": 1.0})


@pytest.mark.parametrize("text", ["uniform(x_max, x_min)", "normal(0, x_min - x_min)", "normal(1 / (x_min - 280), 1)"])
def test_resolve_refuses_what_is_improper_on_this_measurement(text: str) -> None:
    with pytest.raises(ModelError, match="expected"):
        parse_prior(text).resolve(WORDS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the end of the text in ''; expected a family name"),
        ("normal", r"the family 'normal' without arguments; expected normal\(mean=..., sd=...\)"),
        ("nromal(0, 1)", "the unknown prior family 'nromal'; expected a known family. Did you mean normal?"),
        ("normal(0)", r"normal without sd; expected normal\(mean, sd\)"),
        ("normal(0, 1, 2)", "more than 2 arguments"),
        ("normal(0, 1", "the end of the text in 'normal\\(0, 1'; expected ',' or '\\)'"),
        ("normal(0, 1) + 2", r"'\+ 2' after the closing bracket"),
        ("normal(mean=0, maen=1)", "the unknown argument 'maen'.*Did you mean mean?"),
        ("normal(mean=0, mean=1)", "the argument 'mean' twice"),
        ("normal(mean=0, 1, 2)", "more than 2 arguments"),
        ("normal(sd=1, 0)", "an argument without a name after named ones"),
        ("normal(xmin, 1)", "the unknown word 'xmin'; expected a number or a data word. Did you mean x_min?"),
        ("normal(0, 2 ^ 2)", r"There are no powers; write x \* x"),
        ("normal(0, 1; 2)", r"';' in|'; 2\)' in"),
        ("normal(0, __import__)", "the unknown word '__import__'"),
        ("normal(0, x_min.real)", "expected a prior such as"),
        ("normal(0, (lambda: 1)())", "Only numbers, data words"),
        ("normal(\u0663, 1)", "expected a prior such as"),
        ("flat", "the improper prior 'flat'; expected a proper prior. F is an integral over the prior"),
        ("jeffreys()", "the improper prior 'jeffreys'"),
        ("normal(0, " + "(" * 200 + "1" + ")" * 200 + ")", "brackets or signs inside one another"),
        ("normal(0, " + "-" * 200 + "1)", "brackets or signs inside one another"),
        ("normal(0, 1" + " + 1" * (MAX_DEPTH + 1) + ")", "terms in a row"),
        ("normal(0, 1" + " " * MAX_LENGTH + ")", f"a prior of {MAX_LENGTH + 12} characters"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(BayesbeamError, match=message):
        parse_prior(text)


def test_where_is_in_the_message() -> None:
    with pytest.raises(ConfigError, match=r"^candidates\.peaks\.priors\.sd: the unknown"):
        parse_prior("nix(1)", "candidates.peaks.priors.sd")


def test_a_spec_is_a_key_of_dictionaries() -> None:
    spec: PriorSpec = parse_prior("normal(0, 1)")
    assert {spec: 1}[parse_prior("normal(mean=0, sd=1)")] == 1
