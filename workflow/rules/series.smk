# What is asked of whole series: which law a quantity follows along its column.
rule laws:
    input:
        BOOK.results_of("free_energy", BOOK.batches),
        BOOK.treated(row.id for row in BOOK.campaign.sheet),
    output:
        laws=BOOK.path("series", "laws.json"),
    log:
        BOOK.path("logs", "laws.log"),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        call=call("laws.py"),
        key=SERIES.laws_key,
        results=lambda wildcards, output: BOOK.path(),
    message:
        "compare laws along series"
    shell:
        "{params.call} --results {params.results:q} --output {output.laws:q} > {log:q} 2>&1"
