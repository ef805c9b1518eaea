# A data file that is not there is left out of the input: the job then writes down why it is refused.
rule preprocess:
    input:
        data=lambda wildcards: BOOK.data_files([wildcards.measurement]),
    output:
        measurement=BOOK.path("measurements", "{measurement}.h5"),
    log:
        BOOK.path("logs", "preprocess", "{measurement}.log"),
    priority: 1000
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(10),
    params:
        call=call("preprocess.py"),
        key=lambda wildcards: BOOK.preprocess_key([wildcards.measurement]),
    message:
        "preprocess {wildcards.measurement}"
    shell:
        "{params.call} --measurement {wildcards.measurement:q} --output {output.measurement:q} > {log:q} 2>&1"


# A long sheet has one job a batch, whose table says what is in each file.
rule preprocess_batch:
    input:
        data=lambda wildcards: BOOK.data_files(BOOK.batches[wildcards.batch]),
    output:
        table=BOOK.path("measurements", "{batch}.tsv"),
    log:
        BOOK.path("logs", "preprocess", "{batch}.log"),
    priority: 1000
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(30),
    params:
        call=call("preprocess.py"),
        key=lambda wildcards: BOOK.preprocess_key(BOOK.batches[wildcards.batch]),
        batches=lambda wildcards, output: BOOK.path("batches.tsv"),
    message:
        "preprocess batch {wildcards.batch}"
    shell:
        "{params.call} --batch {wildcards.batch} --batches {params.batches:q} --output {output.table:q} > {log:q} 2>&1"


localrules:
    plan,


# The table remembers which measurements were sampled together, so it is brought up to date and never removed.
# Snakemake 9.27 records a failed job as done and restores what it was to update: the mark beside is removed then,
# and the job runs again.
rule plan:
    output:
        batches=update(BOOK.path("batches.tsv")),
        done=touch(BOOK.path("batches.done")),
    log:
        BOOK.path("logs", "plan.log"),
    priority: 1000
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        call=call("plan.py"),
        key=BOOK.plan_key,
    message:
        "plan batches of measurements"
    shell:
        "{params.call} --output {output.batches:q} > {log:q} 2>&1"
