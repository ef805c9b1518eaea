# One job is one expanded candidate x one batch of measurements. Earlier draws stay in place (update), so that only
# members whose key has changed are sampled again; for the mark beside see rule plan. The script finds the members of
# its batch as the rules do, from the sheet and what batches.tsv remembers, so it need not wait for rule plan.
rule sample:
    input:
        measurements=lambda wildcards: BOOK.treated(
            BOOK.tags[wildcards.batch][wildcards.tag]
        ),
    output:
        draws=update(BOOK.path("samples", "{batch}", "{tag}.h5")),
        done=touch(BOOK.path("samples", "{batch}", "{tag}.done")),
    log:
        BOOK.path("logs", "sample", "{batch}", "{tag}.log"),
    priority: lambda wildcards: BOOK.work(wildcards.tag, BOOK.tags[wildcards.batch][wildcards.tag])
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: BOOK.sample_mb(
            wildcards.tag, BOOK.tags[wildcards.batch][wildcards.tag], attempt
        ),
        runtime=more(120),
        gpu=lambda wildcards: gpus(),
    params:
        call=call("sample.py"),
        key=lambda wildcards: BOOK.sample_keys[wildcards.batch, wildcards.tag],
        names=lambda wildcards, output: named(BOOK.tags[wildcards.batch][wildcards.tag]),
        batches=lambda wildcards, output: BOOK.path("batches.tsv"),
        measurements=lambda wildcards, output: BOOK.path("measurements"),
        progress=lambda wildcards, output: BOOK.path(
            "logs", "progress", f"{wildcards.batch}-{wildcards.tag}.json"
        ),
    message:
        "sample {wildcards.tag} for {params.names}"
    shell:
        "{params.call} --batch {wildcards.batch} --batches {params.batches:q} --tag {wildcards.tag:q}"
        " --measurements {params.measurements:q} --output {output.draws:q} --progress {params.progress:q}"
        " --threads {threads} > {log:q} 2>&1"


rule sample_group:
    input:
        measurements=lambda wildcards: BOOK.treated(
            BOOK.groups[wildcards.group].measurements
        ),
    output:
        draws=update(BOOK.path("integration", "{group}", "{tag}{pattern}.h5")),
        done=touch(BOOK.path("integration", "{group}", "{tag}{pattern}.done")),
    log:
        BOOK.path("logs", "sample_group", "{group}", "{tag}{pattern}.log"),
    priority:
        lambda wildcards: BOOK.work(
            wildcards.tag, BOOK.groups[wildcards.group].measurements, together=True
        )
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: BOOK.group_mb(
            wildcards.group, wildcards.tag, attempt
        ),
        runtime=more(240),
        gpu=lambda wildcards: gpus(),
    params:
        call=call("sample_group.py"),
        key=lambda wildcards: BOOK.group_sample_key(
            wildcards.group, wildcards.tag, wildcards.pattern[1:]
        ),
        pattern=lambda wildcards, output: wildcards.pattern[1:],
        shared=lambda wildcards, output: (
            f", {wildcards.pattern[1:]} shared" if wildcards.pattern else ""
        ),
        measurements=lambda wildcards, output: BOOK.path("measurements"),
        progress=lambda wildcards, output: BOOK.path(
            "logs",
            "progress",
            f"{wildcards.group}-{wildcards.tag}{wildcards.pattern}.json",
        ),
    message:
        "sample {wildcards.tag} jointly for group {wildcards.group}{params.shared}"
    shell:
        "{params.call} --group {wildcards.group:q} --tag {wildcards.tag:q} --pattern={params.pattern:q}"
        " --measurements {params.measurements:q} --output {output.draws:q} --progress {params.progress:q}"
        " --threads {threads} > {log:q} 2>&1"


# Blocks of a group's measurements: posteriors multiplied, and what decides sampled together. One job a group.
rule sample_blocks:
    input:
        alone=lambda wildcards: BOOK.alone(wildcards.group),
        joint=lambda wildcards: BOOK.sampled(
            f"integration/{wildcards.group}", BOOK.joint_names(wildcards.group)
        ),
    output:
        blocks=update(BOOK.path("integration", "{group}", "blocks", "found.h5")),
        done=touch(BOOK.path("integration", "{group}", "blocks", "found.done")),
    log:
        BOOK.path("logs", "sample_blocks", "{group}.log"),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: BOOK.blocks_mb(wildcards.group, attempt),
        runtime=more(240),
        gpu=lambda wildcards: gpus(),
    params:
        call=call("sample_blocks.py"),
        key=lambda wildcards: BOOK.blocks_key(wildcards.group),
        results=lambda wildcards, output: BOOK.path(),
        progress=lambda wildcards, output: BOOK.path(
            "logs", "progress", f"{wildcards.group}-blocks.json"
        ),
    message:
        "compare blocks of group {wildcards.group}"
    shell:
        "{params.call} --group {wildcards.group:q} --results {params.results:q} --output {output.blocks:q}"
        " --progress {params.progress:q} --threads {threads} > {log:q} 2>&1"
