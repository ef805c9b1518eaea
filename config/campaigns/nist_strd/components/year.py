"""cosine cos(2 pi x / 12) + sine sin(2 pi x / 12): the known cycle of NIST StRD ENSO."""

from bayesbeam.models.base import REAL, Parameter

name = "year"
title = "cycle of twelve months"
exchangeable = False
parameters = (
    Parameter("cosine", "y", "uniform(low=0, high=1)", REAL, "cosine part", (0.5, 2.0)),
    Parameter("sine", "y", "uniform(low=0, high=1)", REAL, "sine part", (0.5, 2.0)),
)


def formula(m, x, cosine, sine):
    return cosine * m.cos(m.pi / 6.0 * x) + sine * m.sin(m.pi / 6.0 * x)
