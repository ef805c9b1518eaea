rule integrate:
    input:
        joint=lambda wildcards: BOOK.sampled(
            f"integration/{wildcards.group}", BOOK.joint_names(wildcards.group)
        ),
        blocks=lambda wildcards: BOOK.sampled(
            f"integration/{wildcards.group}/blocks", BOOK.block_names(wildcards.group)
        ),
        separate=lambda wildcards: BOOK.results_of(
            "free_energy", BOOK.batches_of(BOOK.groups[wildcards.group].measurements)
        ),
    output:
        summary=BOOK.path("integration", "{group}.json"),
        arrays=BOOK.path("integration", "{group}.h5"),
    log:
        BOOK.path("logs", "integrate", "{group}.log"),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(30),
    params:
        call=call("integrate.py"),
        key=lambda wildcards: BOOK.integrate_key(wildcards.group),
        results=lambda wildcards, output: BOOK.path(),
    message:
        "integrate group {wildcards.group}"
    shell:
        "{params.call} --group {wildcards.group:q} --results {params.results:q}"
        " --output {output.summary:q} --arrays {output.arrays:q} > {log:q} 2>&1"
