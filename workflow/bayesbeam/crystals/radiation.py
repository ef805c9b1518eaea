"""Characteristic lines of X-ray tubes, by the element of the anode."""

from __future__ import annotations

from dataclasses import dataclass

from bayesbeam.errors import ConfigError, nearest


@dataclass(frozen=True)
class Tube:
    """K alpha doublet of an anode: wavelengths in angstrom, and the intensity of the second line over the first."""

    alpha1: float
    alpha2: float
    ratio: float = 0.5

    @property
    def mean(self) -> float:
        """Mean wavelength by intensity, angstrom: what anomalous terms are taken at."""
        return (self.alpha1 + self.ratio * self.alpha2) / (1.0 + self.ratio)


# Hoelzer et al., Phys. Rev. A 56 (1997) 4554, for Cr to Cu; Deslattes et al., Rev. Mod. Phys. 75 (2003) 35, for Mo and
# Ag. The ratio is that of the numbers of electrons in the two levels.
TUBES = {
    "Cr": Tube(2.289726, 2.293651),
    "Fe": Tube(1.936041, 1.939973),
    "Co": Tube(1.788996, 1.792835),
    "Cu": Tube(1.5405929, 1.5444274),
    "Mo": Tube(0.70931715, 0.713607),
    "Ag": Tube(0.55942178, 0.5638131),
}


def tube(anode: str, where: str = "radiation") -> Tube:
    """Doublet of an anode by its symbol; a ConfigError where it is not listed."""
    if anode not in TUBES:
        remedy = nearest(anode, tuple(TUBES)) + " Or give wavelengths in angstrom."
        raise ConfigError.at(where, f"{anode!r}", "an anode", remedy)
    return TUBES[anode]
