"""Edges of the cell of one phase, with what counting leaves open apart from what the description of lines does.

One phase is fitted under several descriptions of the beam and the instrument. The most probable one gives the value;
how far the value moves among the descriptions, with the zero and the displacement, and with the wavelength, is the
systematic part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.law import Tolerance
from bayesbeam.diffraction.members import member_of
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.shapes import Fit, refine
from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]

CLOSE = Tolerance(line=0.05, form=0.02, unknown=0.0)
"""What a good description of lines is wrong by."""
_WIDER = (8.0, 4.0, 2.0, 1.0, 1.0, 1.0)
"""Factors of errors that are allowed for, one fit after the other: a line that is not met yet is no disaster."""
_SHIFTS = np.linspace(-0.12, 0.12, 25)
_ROUNDS = 6
_COARSE = (24, 20, 16, 12, 8)
"""Twentieths of the lengths of an instrument that are tried first."""
_ZERO, _DISPLACEMENT = 0, 1


@dataclass(frozen=True)
class Described:
    """One description of the beam and the instrument: with a name, its fit, and its free energy (noise counted)."""

    name: str
    fit: Fit
    free_energy: float
    edges: FloatArray


@dataclass(frozen=True)
class CellReport:
    """Edges (E,) of a cell in angstrom.

    Attributes
    ----------
    value : array (E,)
        By the most probable description.
    statistical : array (E,)
        Standard deviation with zero and displacement known: counting, and the errors of form that are allowed for.
    parts : dict of array (E,)
        Standard deviations of what is systematic, by its name.
    described : tuple of Described
        All descriptions, the most probable first.
    """

    value: FloatArray
    statistical: FloatArray
    parts: dict[str, FloatArray]
    described: tuple[Described, ...]

    @property
    def systematic(self) -> FloatArray:
        """Standard deviation (E,) of all systematic parts together."""
        return np.asarray(np.sqrt(sum(np.square(part) for part in self.parts.values())))


def cell_report(asked: Question, beams: dict[str, Beam], wavelength_sd: float = 3e-7) -> CellReport:
    """Edges of the cell of the one phase that is asked for.

    Parameters
    ----------
    asked : Question
        Of one phase. Its prior of the zero is what is known of the instrument.
    beams : dict of Beam
        Descriptions by their names. Where one says what an instrument makes of lines, their skewness is not fitted.
    wavelength_sd : float
        Relative standard deviation of the wavelength. That of copper's K alpha 1 is 3e-7 (Hoelzer et al., Physical
        Review A 56 (1997) 4554).

    Raises
    ------
    ModelError
        If there is not one phase, or no description.
    """
    if len(asked.phases) != 1 or not beams:
        raise ModelError.at(
            "cell", f"{len(asked.phases)} phases, {len(beams)} descriptions", "one, and one or more", ""
        )
    return _reported(asked, beams, [described(asked, name, beam) for name, beam in beams.items()], wavelength_sd)


def report_by_lengths(
    asked: Question, beam: Beam, others: Mapping[str, Beam] | None = None, wavelength_sd: float = 3e-7
) -> CellReport:
    """Edges of the cell, lengths of the instrument along its axis being those of a beam times a factor chosen by F.

    At the ends of source, specimen and detector rays count for less than geometry alone has it. The factor is looked
    for from 1.2 down to 0.4; descriptions are the best one, its neighbours a twentieth off, and others.

    Parameters
    ----------
    others : mapping of str to Beam
        Other descriptions of the spectrum, under the best factor.
    """
    found: dict[int, Described] = {}

    def at(twentieths: int) -> float:
        if twentieths not in found:
            ((name, one),) = scaled_instruments(beam, [twentieths / 20]).items()
            found[twentieths] = described(asked, name, one)
        return found[twentieths].free_energy

    best = min(_COARSE, key=at)
    while (near := min((best - 1, best, best + 1), key=at)) != best and _COARSE[-1] <= near <= _COARSE[0]:
        best = near
    chosen = {one: found[one] for one in (best - 1, best, best + 1)}
    beams = scaled_instruments(beam, [one / 20 for one in chosen])
    instrument = beams[found[best].name].instrument
    more = {name: replace(one, instrument=instrument) for name, one in (others or {}).items()}
    rest = [described(asked, name, one) for name, one in more.items()]
    return _reported(asked, beams | more, [*chosen.values(), *rest], wavelength_sd)


def _reported(asked: Question, beams: Mapping[str, Beam], found: list[Described], wavelength_sd: float) -> CellReport:
    """Report of fits under some descriptions."""
    found = sorted(found, key=lambda one: one.free_energy)
    best = found[0]
    question = _question(asked, beams[best.name])
    whole = _edge_sd(question, best.fit)
    known = question.common_sd.copy()
    known[[_ZERO, _DISPLACEMENT]] = 0.0
    statistical = _edge_sd(replace(question, common_sd=known), best.fit)
    parts = {
        "zero and displacement": np.sqrt(np.maximum(np.square(whole) - np.square(statistical), 0.0)),
        "description of lines": np.std([one.edges for one in found], axis=0),
        "wavelength": wavelength_sd * best.edges,
    }
    return CellReport(best.edges, statistical, parts, tuple(found))


def described(asked: Question, name: str, beam: Beam) -> Described:
    """Fit of the one phase under one description."""
    question = _question(asked, beam)
    fit = close_fit(question)
    phase = question.phases[0]
    frame = question.frame(fit.common, fit)
    normaliser = 0.5 * frame.law.log_determinant + float(np.log(np.abs(np.diag(frame.triangle))).sum())
    own = fit.members[0].own
    edges = np.array([phase.cell[group[0]] * (1.0 + own[k]) for k, group in enumerate(phase.edges)])
    return Described(name, fit, fit.free_energy + normaliser, edges)


def close_fit(asked: Question) -> Fit:
    """Fit of all phases that are asked for: from far off, with errors that are made smaller."""
    wide = replace(asked, tolerance=asked.tolerance.times(_WIDER[0]))
    frame = wide.frame(wide.common_mean)
    made = [member_of(phase, asked.data, asked.beam, wide.common_mean) for phase in asked.phases]
    members = [one for one in made if one is not None]
    starts = []
    for shift in _SHIFTS:
        common = wide.common_mean.copy()
        common[_DISPLACEMENT] += shift
        starts.append(refine(wide.setting(frame), common, members, rounds=0, shared=False))
    fit = min(starts, key=lambda one: one.misfit)
    for factor in _WIDER:
        now = replace(asked, tolerance=asked.tolerance.times(factor))
        fit = refine(now.setting(now.frame(fit.common, fit)), fit.common, fit.members, rounds=_ROUNDS)
    return fit


def _question(asked: Question, beam: Beam) -> Question:
    """The question under one description: what it has already is not fitted once more, and starts small."""
    mean, sd = asked.common_mean.copy(), asked.common_sd.copy()
    if beam.instrument is not None:
        mean[7], sd[7] = 0.0, 0.0
    if beam.spectrum:
        mean[5], mean[6] = math.log(0.25 * asked.data.width), math.log(0.1 * asked.data.width)
        sd[5], sd[6] = 1.0, 1.0
    return replace(asked, beam=beam, common_mean=mean, common_sd=sd)


def _edge_sd(asked: Question, fit: Fit) -> FloatArray:
    """Standard deviations (E,) of edges, angstrom, at a fit."""
    again = refine(asked.setting(asked.frame(fit.common, fit)), fit.common, fit.members, rounds=0)
    phase = asked.phases[0]
    first = int((asked.common_sd > 0.0).sum())
    block = slice(first, first + len(phase.edges))
    edges = np.array([phase.cell[group[0]] for group in phase.edges])
    return np.asarray(edges * np.sqrt(np.diag(again.covariance)[block]))


def close_question(asked: Question, zero_sd: float, tolerance: Tolerance = CLOSE) -> Question:
    """A question for a good description: zero known to ``zero_sd`` degrees, errors as small as they then are."""
    sd = asked.common_sd.copy()
    sd[_ZERO] = zero_sd
    return replace(asked, common_sd=sd, tolerance=tolerance)


def scaled_instruments(beam: Beam, factors: Sequence[float]) -> dict[str, Beam]:
    """Descriptions of a beam with the lengths of its instrument along the axis times each of some factors."""
    of = beam.instrument
    if of is None:
        raise ModelError.at("beam", "nothing known of the instrument", "lengths along its axis", "")
    made = {}
    for factor in factors:
        lengths = {name: factor * getattr(of, name) for name in ("source", "specimen", "detector")}
        made[f"lengths x {factor:g}"] = replace(beam, instrument=replace(of, **lengths))
    return made
