"""Prose of ``config/README.md`` about where to measure next."""

NEXT = """
## Where to measure next

With `report: {next_points: 5}` the report says for every measurement which five points would tell most about its curve,
given what is known already: the draws of all candidates, each with its probability, are compared at the possible
points, with the noise that a point there would have. `about` asks for one quantity instead:

```yaml
report:
  next_points: {number: 4, about: "peaks[1].position", range: [690, 699]}
```

Asking samples nothing: it is computed from draws that are there, by [next_points](../docs/library.md#which-point-next).
The page shows the points, what any other would tell, and what as many evenly spread points would.
`tables/next_points.csv` has a row a point, in the order of measurement, each taking those before it as measured:

| column | meaning |
| --- | --- |
| `measurement`, `about`, `unit` | id; the quantity that is wanted and its unit, empty where it is the curve |
| `order`, `x` | first, second ...; where |
| `curve_sd`, `noise_sd` | standard deviation of the curve there before any is measured, and of the noise |
| `information` | nats that this point and those before it are expected to tell |
| `sd_before`, `sd_after` | standard deviation of the quantity now, and expected after this point |
| `even_information`, `even_sd_after` | the same of as many points spread evenly over the range |

A point may be advised several times: it is then to be measured so often, or so much longer. Expected values take the
posterior as normal, so few points at a time, measured and analysed, get farther than many at once. Campaign
`ruby_next_points` does so on a measured spectrum.
"""
