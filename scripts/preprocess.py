"""Preprocess measurements of a campaign: data files to canonical HDF5 files."""

from __future__ import annotations

import sys

from bayesbeam.config.load import load_campaign
from bayesbeam.config.outline import outline_campaign
from bayesbeam.stages import command
from bayesbeam.stages.plan import batch_members, write_table
from bayesbeam.stages.preprocess import preprocess_rows


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(__doc__, output="file to make: <measurement>.h5, or the table of a batch")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--measurement", help="id of one measurement")
    what.add_argument("--batch", help="name of a batch")
    parser.add_argument("--batches", help="batches.tsv, with --batch")
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = outline_campaign(arguments.config, arguments.arrivals)
        # Models are needed to simulate from them, and bring torch in.
        campaign = load_campaign(arguments.config, arguments.arrivals) if campaign.campaign.simulations else campaign
        folder = arguments.output.parent
        if arguments.measurement:
            command.name_work("preprocess", [arguments.measurement])
            preprocess_rows(campaign, [arguments.measurement], folder)
        else:
            ids = list(batch_members(campaign, arguments.batches, arguments.batch))
            command.name_work(f"preprocess, batch {arguments.batch}", ids)
            preprocess_rows(campaign, ids, folder)
            write_table(folder, ids, arguments.output)

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
