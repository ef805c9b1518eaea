"""Free energies, model probabilities and posterior summaries of a batch of measurements."""

from __future__ import annotations

import sys

from bayesbeam.config.load import load_campaign
from bayesbeam.stages import command
from bayesbeam.stages.free_energy import summarise_batch
from bayesbeam.stages.plan import batch_members


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(
        __doc__,
        batches="batches.tsv, made by plan.py",
        measurements="folder of the preprocessed measurements",
        samples="folder of the batch's draws",
        output="JSON file of the numbers to make",
        arrays="HDF5 file of the arrays to make",
    )
    parser.add_argument("--batch", required=True, help="name of the batch")
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = load_campaign(arguments.config, arguments.arrivals)
        ids = list(batch_members(campaign, arguments.batches, arguments.batch))
        command.name_work(f"free energies, batch {arguments.batch}", ids)
        summarise_batch(
            campaign,
            arguments.batch,
            ids,
            arguments.measurements,
            arguments.samples,
            arguments.output,
            arguments.arrays,
        )

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
