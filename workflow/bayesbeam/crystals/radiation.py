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


# Hoelzer et al. (1997), table II: energy (eV), full width at half maximum (eV) and height of four Lorentzians. Their
# sum is highest at the wavelength of K alpha 1 above.
_COPPER = (
    (8047.8372, 2.285, 0.957),
    (8045.3672, 3.358, 0.090),
    (8027.9935, 2.666, 0.334),
    (8026.5041, 3.571, 0.111),
)
_HC = 12398.419843320026  # eV angstrom, exact in the SI of 2019


def copper_spectrum() -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Wavelengths (angstrom) of the lines that copper's K alpha is made of, their shares, and relative widths."""
    whole = sum(width * height for _, width, height in _COPPER)
    wavelengths = tuple(_HC / energy for energy, _, _ in _COPPER)
    shares = tuple(width * height / whole for _, width, height in _COPPER)
    return wavelengths, shares, tuple(width / energy for energy, width, _ in _COPPER)


def tube(anode: str, where: str = "radiation") -> Tube:
    """Doublet of an anode by its symbol; a ConfigError where it is not listed."""
    if anode not in TUBES:
        remedy = nearest(anode, tuple(TUBES)) + " Or give wavelengths in angstrom."
        raise ConfigError.at(where, f"{anode!r}", "an anode", remedy)
    return TUBES[anode]
