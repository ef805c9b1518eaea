"""Fixed words of ``config/README.md``; the tables between them are made by ``reference``."""

from __future__ import annotations

HEAD = """\
<!-- Made by `python -m bayesbeam.config.generate` from the types in workflow/bayesbeam/config. Do not edit. -->
# Campaigns

A campaign is a folder: `campaign.yaml` says what is asked, `measurements.tsv` lists the measurements, and the data
files lie beside them. `make run CAMPAIGN=<folder>` analyses it; a campaign in `config/campaigns/` may be given by its
name. The shipped ones are meant to be copied: `first_look` (three kinds of spectra, integration), `nagata2012`
(one spectrum), `measurement_limit` (simulated spectra: how long must one measure?) and those of more real data that the
README lists.

All mistakes of a campaign are reported at once, before anything is computed, with file, line and key. Editors that
know JSON schemas complete and check keys while you type: point them to `config/schema.json`.

## A complete small campaign

Two spectra of one sample with an unknown number of peaks on a flat background. `campaign.yaml`:

"""

EXAMPLE_CAMPAIGN = """\
campaign: two_runs
measurements: measurements.tsv
treatments:
  xps:
    axis: {quantity: binding energy, unit: eV, decreasing: true}
    signal: {quantity: intensity, unit: counts, counts: true}
    range: [282, 292]
    uncertainty: {from: counts}
candidates:
  peaks:
    parts:
      - name: line
        component: gaussian
        count: 1..3
        priors:
          position: uniform(low=x_min, high=x_max)
          sd: log_uniform(low=0.1, high=2)
      - {component: constant}
    noise: {family: normal, sigma: estimate}
integration:
  - {group: both, measurements: [run1, run2], candidate: peaks, shared: [line.sd]}
"""

EXAMPLE_SHEET = """\
id\tfile\ttemperature
run1\tdata/run1.csv\t300
run2\tdata/run2.csv\t350
"""

SHEET = """\
## The sheet

Text with one row a measurement, columns separated by tabs, the first line a header; empty lines and lines that start
with `#` are skipped. A data file that is missing or unreadable does not stop the others: that measurement is refused
with its reason.

"""

SHEET_REST = """
All other columns are metadata (temperature, time, sample ...): they are kept with the results. The report follows
quantities along columns of numbers, with straight lines: those of `report.series`, or all.

## The campaign file

YAML with plain values: no tags, no key twice, at most 1 MiB. `no`, `off` and dates are words, `1e-3` is a number.
Keys in bold must be given; the others have the default shown. Ids are 1 to 64 of the characters `A-Z a-z 0-9 _ . -`,
do not start with `.` and hold no `..`; candidate names hold no `-`.
"""

PRIORS = """
## Priors

A prior is written `family(argument=expression, ...)`, or with the arguments in order and without their names. An
expression is made of numbers, data words, `+ - * /` and brackets: `uniform(low=x_min, high=x_mid + 2)`. All priors
are proper: a free energy is an integral over the prior and exists only where that has a finite mass. The prior is
part of the question; where none is written the component's default is used, and shown in the results.

Values of parameters that are not to be estimated go under `fixed`.

"""

WORDS = """
Data words are filled in from each measurement after its treatment. A shared parameter of an integration group must
have the same prior in all its measurements, so its prior must be written with numbers.

"""

TIES = """
## Ties and derived quantities

Parameters that are known to hang together are tied: one has a prior, the other follows from it by a formula of
`part.parameter`, numbers, `+ - * /`, brackets and {functions}. A number that belongs to no part, such as the width of
all lines or the distance of two, goes under `common` and is named `common.<name>`. Quantities under `derived` are
reported like parameters.

"""

EXAMPLE_TIES = """\
candidates:
  gold:
    parts:
      - {name: first, component: pseudo_voigt, tied: {fwhm: common.width}}
      - name: second
        component: pseudo_voigt
        tied:
          position: first.position + common.gap     # the second lies above the first, since the gap is positive
          amplitude: 4 / 3 * first.amplitude        # a ratio that is known
          fwhm: common.width                        # one width for both
          mixing: first.mixing
    common:
      width: {prior: "log_uniform(0.2, 2)", unit: x}
      gap: {prior: "uniform(3, 4.5)", unit: x}
    derived:
      area_ratio: {formula: second.area / first.area}
"""

TIES_REST = """
Priors are those of the free parameters, and so is the free energy: a tie takes a parameter away. An order (the second
above the first) is written as a positive distance. Exchangeable peaks (`count`) may be tied to common numbers, to
single parts and to other parameters of the same peak. What is tied together is moved together: a step in one of its
parameters costs the curves of all, so tie only what belongs together. A tie must lead to possible values in all of the
prior (no negative width, say); the sampling job checks that before it begins.
"""

STARTS = """
## Starting points

Every free energy is an integral over the whole prior, and the sampler looks for its modes from there. One that takes up
a very small part of the prior may be missed, as by any sampler; `starts` of a candidate tell it where to look besides.
A start gives values to some parameters, in a list for several peaks: `{peaks.position: [1.2, 1.45], peaks.sd: 0.1}`.
With a range of counts it serves the count that its lists have the length of. Parameters that it does not name begin at
the median of their prior, positions spread over theirs. Starts change where chains begin and what they can find, not
what is asked: a mode that is not there wins no weight.
"""

COMPONENTS = """
## Components

The noise-free curve is the sum of the parts. Peaks may have a `count`: several of one kind are exchangeable, which is
taken into account in the free energy, and are numbered by position in the results. Where positions cross, or one peak
may be anywhere, and other parameters tell peaks apart, each draw is assigned to the peaks it resembles most, and
numbers follow the mean position. Pairs that cannot be told apart are named in the report and in
`tables/numbering.csv`, with their overlap (twice the probability that a draw has them the other way round).

A `doublet` of a peak (`of: gaussian`) has the peak's own parameters, which are those of its first line, and
`splitting` and `ratio`; its second line lies at position + splitting and is `ratio` times as high. With `widths: own`
the second line has widths of its own, named `<width>_2`. Units are in terms of those of x and y; components with units
of their own, such as `mm/s` and `T`, need x in that unit.

"""

OWN_COMPONENTS = """
## Own components

A component of your own is a Python file in the campaign's folder, listed at the top level of `campaign.yaml`:
`components: [edge.py]`. Its name is then a component like any other, `doublet` included if it declares `amplitude`
and `order_by`. This is `edge.py`:

"""

EXAMPLE_COMPONENT = """\
from bayesbeam.models.base import POSITIVE, REAL, Parameter

name = "edge"
title = "arctangent edge"
exchangeable = False  # True for peaks, which then need order_by = "position"
locations = ("position",)  # parameters that are places on the axis
parameters = (
    # name, unit, default prior, values for which the formula means something, description, sensible values
    Parameter("step", "y", "half_normal(sd=y_span)", REAL, "height of the step", (0.5, 2.0)),
    Parameter("position", "x", "uniform(low=x_min, high=x_max)", REAL, "middle of the step", (-3.0, 3.0)),
    Parameter("width", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE, "width of the step", (0.3, 3.0)),
)


def formula(m, x, step, position, width):
    return step * (0.5 + m.atan((x - position) / width) / m.pi)
"""

OWN_COMPONENTS_REST = """
The formula is written once, with arithmetic, comparisons inside `m.where`, and these functions of `m`:
{functions}.
It then runs on every engine, compiled where that is possible. One that needs more (`torch.special`, say) may declare
`tensors_only = True`; it runs on plain torch as it is, which is slower, and still must compute every point from its own
x and parameters. The sensible values are for an axis from -5 to 5 and a signal of order 1; the formula is tried there.
One whose formula holds constants of nature in one unit of x declares it, `axis_unit = "mm/s"`; data in another are
refused.
Further names that a file may declare, such as `derived` quantities and `reference_values` to be checked against, are
those of the files in `workflow/bayesbeam/models`.

A file stands alone: it may import installed packages, not other files of the folder. It is checked whenever the
campaign is read, before any job: a missing unit, prior or description, a result of the wrong shape or type, values that
are not finite or differ from call to call, arguments that are changed in place, and anything that is not on `m` are
reported with file, line and what to write instead. Where a prior reaches beyond the sensible values and the formula is
not a number there, the sampling job says so at its start. Results depend on the content of the file: after a change,
only the candidates that use it are sampled again. The file is a program and runs with your rights, so look into the
component files of a campaign that you were given, as into any script.
"""

NOISE = """
## Noise

`sigma` sets the standard deviation of a point, and everything about the noise is part of the answer:

| written | means |
| --- | --- |
| `{family: normal}` or `sigma: estimate` | the level is unknown and estimated; \
where the measurement has uncertainties they are relative weights |
| `{family: normal, sigma: 0.1}` | known, the same for all points |
| `{family: normal, sigma: 0.05, level: "log_uniform(0.05, 0.5)"}` | surely too small; the report has free energies at \
levels from there to 32 times it, and with the level integrated out under this prior, from the same draws |
| `{family: normal, sigma: column}` | the measurement's own uncertainties, trusted |
| `{family: normal, sigma: column, scale: estimate}` | the same, times a factor that is estimated |
| `{family: normal, sigma: "log_uniform(0.01, 1)"}` | unknown, with a prior in units of y |
| `{family: normal_relative, sigma: column, relative: estimate}` | with a model error \
in proportion to the curve, added in squares |
| `{family: normal_counts, sigma: 3, gain: estimate}` | a detector: a known level (dark noise, readout) \
and a variance of gain times the curve, for signals that are scaled counts; a curve below zero is rejected |
| `{family: student_t, sigma: estimate, dof: estimate}` | with outliers: wide tails, by degrees of freedom that are \
known, estimated or have a prior; sigma is the width of the middle |
| `{family: poisson}` | counted events; needs `signal: {counts: true}` and a curve that can be above zero wherever \
there are counts: peaks alone do not do, a strictly positive background does |

Counts of a known exposure, with dark counts: `exposure` multiplies the curve, so that its parameters are rates in one
unit of exposure, comparable between measurements of different exposures, and may be shared by them; `dark` adds counts
that come without a signal, also a rate. The counts of point i have the mean exposure x (curve(x_i) + dark), and free
energies are those of the counts. Each is a number or the name of a column of the sheet (one number a measurement, not
one a point), and dark counts may have a prior: a part named `dark`, with the parameter `dark.level`, which also keeps
the curve above zero. If 12 counts a point were measured in 600 seconds with the beam off, and the sheet has a column
`seconds`:

```yaml
parts:
  - {component: gaussian, name: peaks, count: 1..4, priors: {amplitude: "gamma(shape=5, rate=5)"}}
noise: {family: poisson, exposure: seconds, dark: "gamma(shape=12 + 1, rate=600)"}
```

The data words `y_min`, `y_max`, `y_span`, `y_mid` and `noise` are rates then too; units say `counts/seconds`, by the
name of the column, and figures show counts. Without `exposure` all is in counts, and so is `dark`. Where a treatment
joins points (`rebin`) their counts are added, so curve and dark counts are then those of a joined point.

Uncertainties in files and counting statistics are often too small for what the model leaves out, and then choose
models with great and false confidence; so an estimated level is the default. The parameters of the noise have these
names and default priors:

"""

STUDIES = """
## How long must one measure?

`simulate` makes measurements from a candidate and analyses them with all candidates that apply to their ids:

```yaml
simulate:
  name: three_peaks
  candidate: peaks                       # the model that is true, at the count that the lists have the length of
  truth: {peaks.amplitude: [0.6, 1.5], peaks.position: [1.2, 1.5], peaks.sd: 0.1, background.level: 0.2}
  axis: {start: 0, stop: 3, points: 301}
  exposures: [3, 10, 30, 100]            # with noise poisson; noise_levels with noise normal
  replicates: 100
```

The measurement `three_peaks_T30_007` is the seventh at exposure 30. With Poisson noise the counts have the mean T x
signal, so all parameters in units of y are T times as large, and a prior that is to say the same at every exposure is
written with the word `exposure`: `gamma(shape=5, rate=5 / exposure)`, and a known level `fixed(0.5 * exposure)`. With
`noise: {family: poisson, exposure: exposure}` all parameters are rates, the same at every exposure, and so are their
priors. Where all measurements are simulated there need not be a sheet. The report says from which exposure on the true
model is selected in 95 of 100 cases, and how the posterior standard deviation of each parameter falls;
`tables/measurement_limit.csv` has a row for each level and parameter:

| column | meaning |
| --- | --- |
| `study`, `kind`, `level` | name; `exposure` or `noise_level`; its value |
| `replicates`, `analysed`, `not_reliable` | measurements at that level, with a result, with one that is not reliable |
| `model`, `selected` | the true model; in how many of those analysed it is the most probable one |
| `frequency`, `frequency_low`, `frequency_high` | their ratio, and its binomial 95% interval (Clopper, Pearson) |
| `mean_probability` | mean posterior probability of the true model |
| `parameter`, `index`, `unit`, `truth` | parameter of the true model, number of the peak, true value at that level |
| `sd_median`, `sd_q16`, `sd_q84` | posterior sd in the true model: median and 68% of the replicates |
| `covered`, `coverage`, `coverage_low`, `coverage_high` | 95% intervals that hold the truth; share, its interval |

Where peaks are numbered by assignment, each is held against the true one that it resembles most. How any other quantity
or formula comes out at each level is shown by a series, `{quantity: ..., against: exposure, study: three_peaks}`.

`thin` does the same with a measured spectrum of counts: each count is kept with the probability shorter time / measured
time. The choice and the posterior means of the whole spectrum then stand for the truth. It is exact for Poisson counts
of a sample that did not change; what the whole spectrum could not tell, its parts cannot either.
"""
