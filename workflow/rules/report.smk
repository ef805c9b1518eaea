TABLES = ["free_energy", "parameters", "integration", "measurement_limit", "runtime"]


rule report:
    input:
        BOOK.results_of("free_energy", BOOK.batches),
        BOOK.results_of("integration", BOOK.groups),
        BOOK.treated(row.id for row in BOOK.campaign.sheet),
        SERIES.files,
    output:
        page=report(
            BOOK.path("report", "index.html"),
            caption="../report/page.rst",
            category="Report",
        ),
        tables=report(
            expand(BOOK.path("report", "tables", "{table}.csv"), table=TABLES),
            caption="../report/table.rst",
            category="Tables",
        ),
        figures=directory(BOOK.path("report", "figures")),
        draws=directory(BOOK.path("report", "draws")),
    log:
        BOOK.path("logs", "report.log"),
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    resources:
        mem_mb=more(2000),
        runtime=more(30),
    params:
        call=call("report.py"),
        key=BOOK.report_key,
        results=lambda wildcards, output: BOOK.path(),
        report=lambda wildcards, output: BOOK.path("report"),
    message:
        "write the report"
    shell:
        "{params.call} --results {params.results:q} --output {params.report:q}"
        " --threads {threads} > {log:q} 2>&1"
