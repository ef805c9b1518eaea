"""Stick patterns of pymatgen for every CIF of a library, with its table of scattering factors, in one file.

Runs in an environment of its own with pymatgen, which this project does not need:

    python tests/data/powder_patterns/make.py config/libraries/inorganic tests/data/powder_patterns/pymatgen.npz
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS, XRDCalculator
from pymatgen.io.cif import CifParser

WAVELENGTH = 1.54059
RANGE_DEG = (5.0, 120.0)


def main(folder: Path, target: Path) -> None:
    """Write the patterns of all CIFs of ``folder`` that pymatgen reads, and why it does not read the others."""
    calculator = XRDCalculator(WAVELENGTH)
    told: dict[str, object] = {"pymatgen": version("pymatgen-core"), "wavelength": WAVELENGTH, "range_deg": RANGE_DEG}
    names, contents, sticks, refused, elements = [], [], [], {}, {}
    for file in sorted(folder.glob("*.cif")):
        try:
            structure = CifParser(file).parse_structures(primitive=False)[0]
        except Exception as problem:  # whatever its reader says of a file is told, and the next one is read
            refused[file.stem] = str(problem).splitlines()[0]
            continue
        pattern = calculator.get_pattern(structure, scaled=False, two_theta_range=RANGE_DEG)
        names.append(file.stem)
        amounts = structure.composition.element_composition.get_el_amt_dict()
        contents.append({symbol: float(amount) for symbol, amount in amounts.items()})
        sticks.append(np.column_stack([pattern.x, pattern.y]))
        elements.update({element.symbol: element.Z for element in structure.composition.element_composition})
    told |= {"names": names, "contents": contents, "refused": refused}
    told["table"] = {symbol: [number, ATOMIC_SCATTERING_PARAMS[symbol]] for symbol, number in sorted(elements.items())}
    together = np.concatenate(sticks)
    np.savez_compressed(
        target,
        told=np.frombuffer(json.dumps(told).encode(), dtype=np.uint8),
        count=np.array([len(part) for part in sticks], dtype=np.int32),
        two_theta_deg=together[:, 0],
        intensity=together[:, 1].astype(np.float32),
    )
    print(f"{len(names)} patterns, {len(together)} lines, {len(refused)} refused: {', '.join(refused)}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
