package main

// details are what stands under the usage of the verbs that have no method
// Help: what more there is to say, and examples, which TestExamplesParse and
// TestExamplesRun hold to what the verbs take.
var details = map[string]string{
	"run": `A finding is shrunk, saved in --out and printed with the command that shows it
again. With --state a campaign goes on where it ended, also after a crash.

Examples:

    sgfuzz run
    sgfuzz run --for 8h --state campaign
    sgfuzz run --seed 3 --cases 1000 --strategy indirect,auto --dialect linux
    sgfuzz run --no-corpus --cases 500 --json=result.json`,

	"replay": `Without "want" lines in a case every strategy is tried, and each must accept
rightly or refuse rightly.

Examples:

    sgfuzz replay
    sgfuzz replay -v case.sgcase
    sgfuzz replay --strategy indirect findings bugs features/single-entry
    sgfuzz replay - < case.sgcase`,

	"shrink": `Examples:

    sgfuzz shrink failing.sgcase
    sgfuzz shrink -o small.sgcase failing.sgcase`,

	"exhaust": `The summary says what is shown thereby, and what is not.

Examples:

    sgfuzz exhaust --entries 2 --pages 3
    sgfuzz exhaust --entries 4 --pages 3 --for 10m
    sgfuzz exhaust --entries 2 --pages 3 --strategy indirect --base top`,

	"encode": `Examples:

    sgfuzz encode case.sgcase
    sgfuzz encode --strategy multimr --dialect libmlx5 features/single-entry
    sgfuzz encode case.sgcase | sgfuzz decode
    sgfuzz encode --raw -o wqe.bin case.sgcase`,

	"decode": `Examples:

    sgfuzz decode --brief dmesg.txt
    sgfuzz decode dmesg.txt --html dmesg.html
    sgfuzz decode --strict --dialect linux < dmesg.txt
    sgfuzz encode case.sgcase | sgfuzz decode`,

	"report": `The page is one file without anything from outside. It shows results of mutants
and bench beside the campaign if they are there.

Examples:

    sgfuzz run --no-corpus --cases 500 --state campaign
    sgfuzz mutants --json=campaign/mutants.json
    sgfuzz bench --json=campaign/bench.json
    sgfuzz report campaign
    sgfuzz report campaign -o page.html --findings 50`,

	"explain": `Examples:

    sgfuzz explain case.sgcase
    sgfuzz explain --strategy indirect,fastreg bugs/b10-no-page-size-fits
    sgfuzz explain --svg case.svg --html case.html features/single-entry
    sgfuzz explain --mutant raw-count-takes-regions`,

	"compare": `Examples:

    sgfuzz compare writes.iov
    sgfuzz compare --draw all --count 100 --html compare.html
    sgfuzz compare --depth 128 --constant round-trip=3000 captures`,

	"serve": `The page is at the address printed, with everything in it; ctrl-C ends.

Examples:

    sgfuzz serve
    sgfuzz serve --listen 127.0.0.1:0 features/single-entry`,

	"conform": `The protocol is JSON Lines over a pipe: docs/conform.md, with examples in C,
Python and Go in examples/.

Examples:

    sgfuzz conform -- ./child
    sgfuzz conform --ops register --cases 20000 -o findings -- python3 child.py
    sgfuzz conform --replay findings --cases 1 --junit result.xml -- ./child --fast`,

	"vhca": `The exit status is that of the program.

Examples:

    sgfuzz vhca -- ibv_devinfo -v
    sgfuzz vhca --strict --trace wqes.txt -- ib_write_bw
    sgfuzz vhca --record lists -- ./program --its-own-flag`,

	"vectors": `Examples:

    sgfuzz vectors kernel-sg2klm.jsonl.gz
    sgfuzz vectors --diffs 20 --libmlx5-version head libmlx5-conf.jsonl`,

	"mutants": `Exit status 1 says that one is not found.

Examples:

    sgfuzz mutants
    sgfuzz mutants --seeds 1 -v raw-count-takes-regions`,

	"bench": `With --json there is one object a line.

Examples:

    sgfuzz bench
    sgfuzz bench --benchmark klm_list --entries 4,256 --rounds 5
    sgfuzz bench --plot growth.svg --longest 12`,

	"import": `A line of a log is a list: "NAME ADDR+LEN ADDR+LEN ...".

Examples:

    sgfuzz import -o lists writes.iov
    sgfuzz import --format go -o cases fuzz/testdata/fuzz/FuzzStrategies`,

	"export": `Examples:

    sgfuzz export --format go --out fuzz cases
    sgfuzz export --format jsonl --out vectors && sgfuzz vectors vectors/*.jsonl
    sgfuzz export --format c-header --out tables --most-entries 16 bugs`,

	"fmt": `Examples:

    sgfuzz fmt case.sgcase
    sgfuzz fmt --check cases
    sgfuzz fmt - < case.sgcase`,

	"corpus list": `Examples:

    sgfuzz corpus list
    sgfuzz corpus list bugs case.sgcase`,

	"corpus minimize": `Examples:

    sgfuzz corpus minimize -o small cases
    sgfuzz corpus minimize --no-mutants --known features --most 50 -o new findings`,

	"corpus fmt": `The same as sgfuzz fmt.

Examples:

    sgfuzz corpus fmt --check cases`,

	"help": `Examples:

    sgfuzz help
    sgfuzz help corpus minimize
    sgfuzz help --json run`,

	"completion": `The script asks sgfuzz itself for verbs, flags, names and embedded cases. For this
session, or at the end of ~/.bashrc or ~/.zshrc; fish reads a file:

    source <(sgfuzz completion bash)
    source <(sgfuzz completion zsh)
    sgfuzz completion fish > ~/.config/fish/completions/sgfuzz.fish

Examples:

    sgfuzz completion bash > /etc/bash_completion.d/sgfuzz`,

	"man": `Examples:

    sgfuzz man | man -l -
    sgfuzz man > /usr/local/share/man/man1/sgfuzz.1`,

	"schema": `The schema is JSON Schema, draft 2020-12. It holds for each line of a verb that
writes several objects, one a line (bench).

Examples:

    sgfuzz schema
    sgfuzz schema replay
    sgfuzz schema corpus list > corpus-list.json`,

	"version": `Examples:

    sgfuzz version
    sgfuzz version --json`,
}
