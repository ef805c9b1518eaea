from snakemake.utils import min_version

min_version("9.27")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/preprocess.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/free_energy.smk"
include: "workflow/rules/integrate.smk"
include: "workflow/rules/series.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        BOOK.path("report", "index.html"),
        BOOK.path("batches.done"),
