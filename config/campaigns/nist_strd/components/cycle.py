"""cosine cos(2 pi x / period) + sine sin(2 pi x / period): one unknown cycle of NIST StRD ENSO."""

from bayesbeam.models.base import REAL, Parameter

name = "cycle"
title = "cycle of unknown period"
exchangeable = True
order_by = "period"
parameters = (
    Parameter("period", "x", "uniform(low=0, high=1)", REAL, "period", (0.5, 2.0)),
    Parameter("cosine", "y", "uniform(low=0, high=1)", REAL, "cosine part", (0.5, 2.0)),
    Parameter("sine", "y", "uniform(low=0, high=1)", REAL, "sine part", (0.5, 2.0)),
)


def formula(m, x, period, cosine, sine):
    return cosine * m.cos(2.0 * m.pi * x / period) + sine * m.sin(2.0 * m.pi * x / period)
