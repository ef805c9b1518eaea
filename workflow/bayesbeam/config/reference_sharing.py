"""Words of ``config/README.md`` on what the measurements of a group share."""

SHARING = """
## What measurements share

A group of `integration` asks whether its measurements have something in common. Everything that is not under `shared`,
and the noise, is each measurement's own. An entry of `shared` is

- a word `part.parameter`: one value in all of them;
- a section with `offset`: equal up to what each measurement adds, whose prior says how much that may be (a wavenumber
  scale that is off by as much everywhere); with several parameters they all have the same offset;
- a section with `scale`: equal up to a factor of each measurement;
- a section with `formula`: in each measurement what the formula gives, of columns of the sheet (by their names), of
  numbers under `common` (named `common.<name>`, the same in all) and of the parameter itself.

"""

EXAMPLE_SHARING = """\
integration:
  - group: cooling
    measurements: ["run_*"]               # ids or patterns
    candidate: peaks
    shared:
      - line.fwhm
      - {parameter: line.position, offset: "normal(mean=0, sd=0.05)", reference: run_300K}
      - parameter: step.position
        formula: common.start + common.rise * (temperature - 300)
        common:
          start: {prior: "normal(mean=8.3, sd=0.2)", unit: x}
          rise: {prior: "normal(mean=0, sd=0.01)", unit: x}
"""

SHARING_END = """
The parameter itself, with its prior, is then what they have in common: that of the measurement named under
`reference` if there is one, which has no offset or factor. Offsets and factors appear in the results as
`common.<part>_<parameter>_offset` and `..._scale`, one a measurement, and the parameter both as it is in common and
as it is in each. Of several peaks (`count`) all have the same offset or factor and keep their order; a formula must
name their position, `peaks.position + common.rise * temperature`, for one position would put them on one another.
Where a formula does not name its parameter, the prior of that is not used. Parameters must have one unit and one
prior, without words of the data, in all measurements, and columns a number for each of them. What is moved or tied
must stay in its range in all of the prior (no negative width); the sampling job checks that before it begins. A step
in an offset costs the curves of all it moves.

Measurements of different kinds are in one group where `candidate` is a section of patterns: each measurement has the
candidate of the first pattern that it matches, with an axis, a unit and a noise of its own. What is shared is then in
all of these candidates, under one name or under `parameters`, with one unit and one prior:

"""

EXAMPLE_MIXED = """\
integration:
  - group: film
    measurements: ["xrr_*", "ellipsometry_*"]
    candidate: {"xrr_*": fringes, "ellipsometry_*": oscillation}
    shared:
      - {parameters: {fringes: film.thickness, oscillation: layer.thickness}}
"""

MIXED_END = """
Such groups run on batched torch, on which a step costs the curves of all measurements, and what is integrated out in
closed form elsewhere is sampled.
"""
