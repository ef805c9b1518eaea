"""Words of the campaign's reference about questions before there are data."""

DISTINGUISH = """
## Before there are data

`distinguish` asks how many points, or what noise, tell a model that is true from another:

```yaml
distinguish:
  name: offset
  candidate: line                       # the model that is true
  truth: {line.slope: 1, line.level: 0.3}
  against: origin                       # the same without line.level
  axis: {start: -1.7, stop: 1.7}        # however many points there are, they are spread equally over this
  points: [20, 60, 200]
  noise_levels: [0.5, 1]
  probability: 0.95
```

No data are needed. Measurements such as `offset_N20_sd0.5_001` are simulated and analysed like real ones, and the page
says "to tell line (...) from origin with probability 0.95 takes N >= 63 at noise level 0.5; N >= 252 at noise level
1", with a figure, the greatest level of the noise for each number of points, and `tables/distinguish.csv`.

Where both models are linear in all that is open, the noise is normal, known or of an open level, and priors are normal
or uniform ones whose ends are far away, the answer is exact, for every number of points up to 10 000, and the simulated
measurements are a check of it. Of anything else the simulated measurements are the answer, at the numbers of points
that are listed. The page says which, and why. What is behind it: [the solvable model](../docs/solvable.md).

| column of `tables/distinguish.csv` | meaning |
| --- | --- |
| `question`, `model`, `against` | name; the true model; those it is told from |
| `kind`, `level`, `points` | `noise_level` or `exposure`; its value; number of points |
| `replicates`, `analysed`, `not_reliable` | simulated measurements; with all free energies; with one not reliable |
| `better` | in how many the true model has the lowest free energy |
| `frequency`, `frequency_low`, `frequency_high` | share of those, and its binomial 95% interval |
| `exact`, `wished` | the probability by the theory, empty where there is none; the one asked for |
| `points_needed`, `level_tolerated` | by the theory: points for that level, greatest level for these points |
"""
