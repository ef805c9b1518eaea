"""Words of ``config/README.md`` on sparse regression."""

SPARSE = """
## Sparse regression

A candidate with the section `sparse` is a sum of few terms of a dictionary, and the question is which:

"""

EXAMPLE_SPARSE = """\
treatments:
  table:
    read: {x: sample, y: size, columns: [c01..c60]}
candidates:
  few_columns:
    parts: [{component: constant, priors: {level: "normal(mean=0, sd=10)"}}]    # always in; may be left out
    sparse:
      dictionary:
        - {columns: [c01..c60]}
      most: 5
      prior: normal(mean=0, sd=1)
    noise: {sigma: 0.5}
  few_peaks:
    sparse:
      dictionary:
        - {component: gaussian, grid: [0, 10, 0.25], fixed: {sd: 0.3}}
        - {powers: 0..2, prior: "normal(mean=0, sd=5)"}
        - {fourier: 1..4, period: 10}
      most: 6
      prior: normal(mean=0, sd=2)
      sizes: each(0.05)
    noise: {sigma: column}
"""

SPARSE_END = """
Each set of terms has an exact free energy, for priors and noise are normal; the free energy of the candidate is that of
all sets of up to `most` terms together, under the prior `sizes`, and is compared with those of other candidates as any.
Coefficients are parameters as ever, with draws that are 0 where a term is not in; parameters are shown for the more
probable terms, and `tables/terms.csv` has all, with the probability that each is in. `tables/supports.csv` lists the
most probable sets, `tables/density_of_states.csv` the numbers of sets by their free energy.

Up to 1e9 sets are all looked at, some ten million a second on each core; where there are more, sets are sampled by
exchange Monte Carlo, with errors and a verdict as for any run (`search` decides otherwise). Two terms that are the same
on the data of a measurement but for a factor, and terms that are 0 there, are refused by name. Noise is normal; a level
that is not known (`sigma: estimate`, or a prior) is integrated out by looking at all sets at each of some fifty levels,
for up to 4e8 sets. `common`, `derived`, `starts`, ties and counts do not go with `sparse`, nor do integration and
simulated studies of such a candidate. A few hundred terms are a reasonable dictionary in a campaign.

"""
