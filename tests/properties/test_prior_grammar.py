"""The prior grammar on any text: it never crashes, and what it reads it writes back as the same prior."""

from __future__ import annotations

import math

from hypothesis import assume, example, given
from hypothesis import strategies as st

from bayesbeam import priors
from bayesbeam.config.expression import DATA_WORDS, Binary, Expression, Negative, Number, PriorSpec, Word
from bayesbeam.config.grammar import parse_prior
from bayesbeam.errors import ConfigError

LEAVES = st.one_of(st.floats(0.0, 1e12, allow_nan=False).map(Number), st.sampled_from(sorted(DATA_WORDS)).map(Word))
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(inner.map(Negative), st.builds(Binary, st.sampled_from("+-*/"), inner, inner)),
    max_leaves=6,
)


@st.composite
def specs(draw: st.DrawFn) -> PriorSpec:
    family = priors.get(draw(st.sampled_from(priors.names())))
    needed = [name for name in family.parameters if name not in family.defaults or draw(st.booleans())]
    return PriorSpec(family.name, tuple((name, draw(EXPRESSIONS)) for name in needed))


@given(st.text(max_size=60))
@example("normal(0, 1)")
@example("\x00(")
@example("normal(\u0661, 1)")
@example("normal(1e99999, 1)")
def test_any_text_is_a_prior_or_an_error_of_three_parts(text: str) -> None:
    try:
        spec = parse_prior(text)
    except ConfigError as error:
        has_three_parts = "; expected " in str(error)
        assert has_three_parts
    else:
        assert parse_prior(str(spec)) == spec


@given(
    st.lists(st.sampled_from([*"()=,+-*/", "normal", "x_min", "mean", "sd", "1.5", "e", ".", "inf", " "]), max_size=25)
)
def test_any_sequence_of_tokens_is_a_prior_or_an_error(tokens: list[str]) -> None:
    try:
        spec = parse_prior("normal(" + "".join(tokens))
    except ConfigError as error:
        has_three_parts = "; expected " in str(error)
        assert has_three_parts
    else:
        assert spec.family == "normal"


@given(specs())
def test_what_is_written_reads_back_as_the_same_prior(spec: PriorSpec) -> None:
    text = str(spec)
    assume(len(text) <= 500)
    assert parse_prior(text) == spec


@given(specs(), st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_canonical_text_has_the_same_values(spec: PriorSpec, low: float, span: float) -> None:
    assume(len(str(spec)) <= 500)
    words = {word: low + k * span for k, word in enumerate(DATA_WORDS)}
    for name, value in parse_prior(str(spec)).values(words).items():
        other = spec.values(words)[name]
        assert value == other or (math.isnan(value) and math.isnan(other))
