"""Words of ``config/README.md`` on ranges of counts."""

COUNTS = """
## Counts

A range of counts makes one model of each number. It may begin at 0: the model without that part, what is computed
from its curve alone, and common numbers to which nothing else is tied. Where nothing is left open then (known noise
and a known background, such as known dark counts), its free energy is minus the log-likelihood, without an error.
Ranges of several parts make a grid of models, at most 64, each with its free energy: here 4 x 3 of them, named by
both numbers, `(3, 1)` in the column `count` of the tables and `lines-k3-1` in the names of files.

"""

EXAMPLE_COUNTS = """\
candidates:
  lines:
    parts:
      - {name: broad, component: gaussian, count: 0..3, priors: {position: "uniform(5, 9)", sd: "log_uniform(0.2, 2)"}}
      - {name: sharp, component: lorentzian, count: 0..2, priors: {position: "uniform(7, 8)", fwhm: "uniform(0.02, 1)"}}
      - {name: known, component: gaussian, fixed: {position: 6.4, sd: 0.15}}
      - {component: constant}
    noise: {sigma: estimate}
"""

COUNTS_END = """
`broad` and `sharp` have priors of their own and are never exchanged with each other; two parts may also be of the same
component, inside and outside a range of the axis, say: then write priors that do not overlap, or the two share what
they both allow. A part without a range, such as `known`, is in all models. The report and `tables/counts.csv` have the
probability of each number of each part if the candidate is the right one, summed over the grid, with its error.
Parameters of other parts cannot be tied to a part of which there may be none.
"""
