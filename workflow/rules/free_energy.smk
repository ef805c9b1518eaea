rule free_energy:
    input:
        samples=lambda wildcards: BOOK.sampled(
            f"samples/{wildcards.batch}", BOOK.tags[wildcards.batch]
        ),
        measurements=lambda wildcards: BOOK.treated(BOOK.batches[wildcards.batch]),
    output:
        summary=BOOK.path("free_energy", "{batch}.json"),
        arrays=BOOK.path("free_energy", "{batch}.h5"),
    log:
        BOOK.path("logs", "free_energy", "{batch}.log"),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(30),
    params:
        call=call("free_energy.py"),
        key=lambda wildcards: BOOK.free_energy_key(wildcards.batch),
        names=lambda wildcards, output: named(BOOK.batches[wildcards.batch]),
        batches=lambda wildcards, output: BOOK.path("batches.tsv"),
        measurements=lambda wildcards, output: BOOK.path("measurements"),
        samples=lambda wildcards, output: BOOK.path("samples", wildcards.batch),
    message:
        "free energies of {params.names}"
    shell:
        "{params.call} --batch {wildcards.batch} --batches {params.batches:q} --measurements {params.measurements:q}"
        " --samples {params.samples:q} --output {output.summary:q} --arrays {output.arrays:q} > {log:q} 2>&1"
