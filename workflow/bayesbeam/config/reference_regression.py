"""Words of ``config/README.md`` on linear regression: columns of the data and powers of x."""

REGRESSION = """
## Columns of the data, and powers of x

A part with `component: column` is a coefficient times a further column of the data file, one with `component: power` an
amplitude times x to a fixed power: regression on any columns, polynomials of any degree, beside peaks if need be.

```yaml
treatments:
  table:
    read: {x: sample, y: size, columns: [width, strain]}   # or {width: 3, strain: 5}: names of one's own
candidates:
  both:
    parts:
      - {component: constant}
      - {component: column, name: width, column: width, priors: {coefficient: "normal(0, 2)"}}
      - {component: column, name: strain, column: strain, priors: {coefficient: "normal(0, 100)"}}
      - {component: power, name: square, exponent: 2}
```

Columns are masked, cut, sorted and averaged by `rebin` together with their points, and must be finite. The column of x
may be one of them, that of y may not. The coefficient of a column has no default prior, for nothing says its scale but
the campaign; its unit is written as that of y over the name of the column. Whole exponents are products, so that
powers are right to a few units in the last place; others need x above 0, and negative ones x other than 0. Columns and
powers are computed in double precision. Columns run in plain torch; they cannot be tied, be acted on by a response, or
be simulated.

Where all that is free enters linearly (here, and for heights of peaks of fixed shape), the noise is normal and the
priors are normal, flat, half normal or truncated normal, the candidate is solved exactly and not sampled; `solve: both`
does both and compares them ([docs/free_energy.md](../docs/free_energy.md#linear-candidates-without-a-sampler)).

"""
