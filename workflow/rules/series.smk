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
        mem_mb=more(2000),
        runtime=more(60),
    params:
        call=call("laws.py"),
        key=SERIES.laws_key,
        results=lambda wildcards, output: BOOK.path(),
    message:
        "compare laws along series"
    shell:
        "{params.call} --results {params.results:q} --output {output.laws:q} > {log:q} 2>&1"


# Whether two edges of a cell are equal or split, along a series.
rule splitting:
    input:
        measurements=lambda wildcards: BOOK.treated(SERIES.members(wildcards.splitting)),
    output:
        found=BOOK.path("series", "splitting-{splitting}.json"),
    log:
        BOOK.path("logs", "splitting", "{splitting}.log"),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=more(3000),
        runtime=more(120),
    params:
        call=call("splitting.py"),
        key=lambda wildcards: SERIES.splitting_key(wildcards.splitting),
        along=lambda wildcards, output: SERIES.column(wildcards.splitting),
        measurements=lambda wildcards, output: BOOK.path("measurements"),
        libraries=lambda wildcards, output: BOOK.path("libraries"),
    message:
        "edges of {wildcards.splitting} along {params.along}"
    shell:
        "{params.call} --name {wildcards.splitting:q} --measurements {params.measurements:q}"
        " --libraries {params.libraries:q} --output {output.found:q} --threads {threads} > {log:q} 2>&1"
