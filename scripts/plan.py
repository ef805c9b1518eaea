"""Put the measurements of a campaign into batches; earlier batches keep their members."""

from __future__ import annotations

import sys

from bayesbeam.config.outline import outline_campaign
from bayesbeam.stages import command
from bayesbeam.stages.plan import write_batches


def main() -> int:
    """Run the stage with the arguments of the command line."""
    arguments = command.parser(__doc__, output="batches.tsv, to make or to bring up to date").parse_args()
    return command.run(lambda: write_batches(outline_campaign(arguments.config, arguments.arrivals), arguments.output))


if __name__ == "__main__":
    sys.exit(main())
