"""Words of ``config/README.md`` on parameters that are integrated out."""

LINEAR = """
## Linear parameters

Heights of peaks, levels, slopes and coefficients of a background enter a curve linearly. With normal priors of these
and normal noise, whatever the rest is, the integral over them is known in closed form; nothing of it need be sampled:

"""

EXAMPLE_LINEAR = """\
candidates:
  lines:
    parts:
      - name: peaks
        component: gaussian
        count: 1..4
        priors: {amplitude: "normal(mean=1, sd=1)", position: "uniform(0, 3)", sd: "log_uniform(0.05, 0.5)"}
        linear: marginalise
      - {component: cubic, linear: marginalise}    # of a background, default priors are normal
    noise: {sigma: estimate}
"""

LINEAR_END = """
The sampler then moves positions and widths only, and is given the marginal likelihood. Free energy and posterior are
those of sampling everything; in the files, tables and figures all parameters have draws as ever, for at each stored
draw those integrated out are drawn from what is known of them given the rest. What that
[gains](../bench/RESULTS.md) grows with their number, and most where they are hard to tell apart, as the coefficients of
a smooth background are. Compiled loops do it on CPUs; on a GPU it is left to batched torch (`engine: eager`).

`linear: marginalise` of a part asks for normal priors of all its free linear parameters; of the candidate it means
every linear parameter of any part that has a normal prior, and others are sampled (`linear: sample` leaves a part
out). Of two parameters that multiply each other one is taken, first a peak's amplitude. The noise is normal with a
known sigma, a column of them, or a level that is sampled. Ties, backgrounds of peaks and responses are kept wherever
the whole curve stays linear in what is integrated out; a measurement whose curve does not is refused with the names.
What measurements of a group share is sampled in their joint analysis, which has the same free energy. Negative heights
are possible under a normal prior: where they are not, sample them with a prior that says so. For these candidates there
is no curve of the free energy against the noise level, which needs the likelihood of all parameters.

"""
