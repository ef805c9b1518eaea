"""Find whether two edges of a cell are equal or split, along a series of powder patterns."""

from __future__ import annotations

import sys
from pathlib import Path

from bayesbeam.config.load import load_campaign
from bayesbeam.config.splitting_checks import splitting_of
from bayesbeam.stages import command
from bayesbeam.stages.splitting import write_splitting


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(__doc__, measurements="folder of the preprocessed measurements", output="JSON file to make")
    parser.add_argument("--name", required=True, help="name of the question")
    parser.add_argument("--libraries", type=Path, required=True, help="folder in which lines of structures are kept")
    parser.add_argument("--threads", type=int, default=1, help="threads, which change no number")
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = load_campaign(arguments.config, arguments.arrivals)
        command.name_work(f"edges of {arguments.name}", splitting_of(campaign, arguments.name)[2])
        folders = arguments.measurements, arguments.libraries
        write_splitting(campaign, arguments.name, *folders, arguments.output, arguments.threads)

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
