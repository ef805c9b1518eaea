"""Words of ``config/README.md`` on backgrounds of peaks and responses of instruments."""

OPERATORS = """
## Backgrounds of peaks, and the response of the instrument

These parts are computed from the curves of others, inside the likelihood, with priors of their own; `acts_on` names
which. Where it is left out a background acts on all peaks, and a response on all parts with a place of their own on the
axis: peaks, steps and edges, not smooth backgrounds, which it hardly changes.

```yaml
parts:
  - {name: line, component: doublet, of: voigt}
  - {name: level, component: constant}
  - {component: shirley, acts_on: [line], fixed: {side: -1}}          # an axis of binding energy
  - {component: gaussian_response, priors: {fwhm: "normal(0.4, 0.05)"}}   # acts on line
```

`shirley` is `strength` times the integral of the peaks from x to the end of the data where electrons have lost nothing:
what the field's iteration on the data comes to, without noise. `tougaard` is the integral of the peaks times the cross
section B T / (C + T^2)^2 of the loss T, one loss an electron. With `side: 1` both rise towards lower x, as on an axis
of kinetic energy, with `side: -1` towards higher x; if the axis is called one of the two, the wrong side is refused.
Both take the peaks where they were measured only, and integrate them between the measured points too, so peaks narrower
than five points cost digits (1e-5 of the step at a full width of five intervals).

A response is a convolution with a Gaussian, Lorentzian or Voigt profile, or with the two columns of a file (difference
of place, signal; straight lines between the points, area scaled to 1; a line is moved by what the response is off 0).
The parts it acts on are computed beyond the data too, so nothing wraps around or is cut off at their edges, whatever
the grid. Gaussian, Lorentzian, Voigt and pseudo-Voigt peaks, doublets of them, and the steps and edges that are of the
response's own kind, stay what they are with other widths: that is exact, and cheap. All others are smeared numerically,
to 1e-6 of their height where they are at least a quarter as wide as the response (long tails of a Lorentzian response,
1e-3). A background acts on peaks as they are seen through the response.

All of them run in compiled loops and in kernels for a GPU. One move of a peak costs some times a peak under Shirley's
background, and a hundred times under Tougaard's or through a response computed numerically, a thousand through a Voigt
response ([docs/results.md](../docs/results.md)). A response that may be wider than the data is refused by the job.

"""
