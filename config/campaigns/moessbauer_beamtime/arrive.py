"""Lets the files of the night land in the folder ``incoming``, in their order and at their intervals, only faster.

``python config/campaigns/moessbauer_beamtime/arrive.py --times-as-fast 100``: snapshots of 5 K as they were
saved, then each temperature after the time that it was counted for. That the temperatures followed each other at once,
from cold to warm, is assumed: files say when counting ended for the snapshots only.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
OTHERS = (HERE.parent / "ferrihydrite_moessbauer" / "data", HERE.parent / "moessbauer_temperatures" / "data")
# Minutes of counting where they are not 30, as the names of the original files say.
MINUTES = {"45K": 31, "77K": 120, "105K_again": 31}
KELVINS = ("5K", "15K", "25K", "35K", "45K", "55K", "65K", "75K", "77K", "85K", "95K", "105K", "105K_again", "115K",
           "125K", "135K")  # fmt: skip


def night() -> list[tuple[float, Path]]:
    """Files of the night with the second at which each landed, in that order."""
    snapshots = sorted((HERE / "data" / "snapshots").glob("snapshot_*s.dat"))
    found = [(float(path.stem.removeprefix("snapshot_").removesuffix("s")), path) for path in snapshots]
    now = found[-1][0]
    for name in KELVINS:
        now += 60.0 * MINUTES.get(name, 30)
        places = (folder / f"ferrihydrite_{name}.dat" for folder in (HERE / "data", *OTHERS))
        found.append((now, next(path for path in places if path.is_file())))
    return found


def land(path: Path, folder: Path) -> None:
    """Put a file into a folder, complete or not at all."""
    written = folder / f".{path.name}.part"
    shutil.copyfile(path, written)
    written.rename(folder / path.name)


def main() -> int:
    """Let the night pass."""
    parser = argparse.ArgumentParser(description="Let the files of the night land, in their order.")
    parser.add_argument("--times-as-fast", type=float, default=100.0, help="as the night was (default 100); 0: at once")
    parser.add_argument(
        "--into", type=Path, default=HERE / "incoming", help="folder (default: the campaign's incoming)"
    )
    parser.add_argument("--every", type=int, default=1, help="only every so-manyth snapshot")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    files = night()
    snapshots = [one for one in files if one[1].name.startswith("snapshot")]
    kept = {*snapshots[:: options.every], *files[len(snapshots) :]}
    for second, path in files:
        if (second, path) not in kept:
            continue
        if options.times_as_fast > 0:
            time.sleep(max(0.0, start + second / options.times_as_fast - time.monotonic()))
        land(path, options.into)
        print(f"{second / 3600:5.2f} h  {path.name}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
