// Sgfuzz finds scatter/gather lists that break memory registration: it draws
// lists, registers each the ways that upper-layer protocols do, executes the
// posted work requests on a model of an mlx5 adapter and compares the bytes at
// the other end.
//
//	sgfuzz VERB [FLAGS] [ARGUMENTS]
//
// "sgfuzz VERB --help" lists a verb's flags.
//
// # Verbs
//
//	run                   replay the embedded cases, then fuzz (20 s unless told otherwise)
//	replay [CASE…]        run cases through every strategy and the oracle; without
//	                      arguments the embedded ones
//	shrink CASE           smallest case that fails in the same class
//	exhaust               check every list of a small universe, and every sub-range of
//	                      each, with every strategy; says what is thereby proved
//
//	encode CASE           the WQE bytes that a strategy posts for a case
//	decode [FILE]         annotated decode of hex, raw bytes, kernel logs, dump_wqe words
//	explain CASE          one case as a picture: list, keys, stream, and what is wrong:
//	                      docs/explain.md
//	serve [CASE]          cases and dumps live in a browser, on this machine only:
//	                      docs/serve.md
//	report DIR            a campaign's state directory as one page: figures, growth,
//	                      features by strategy, findings with pictures
//
//	conform -- CMD ARGS…  test an implementation written elsewhere, in any language,
//	                      over a pipe: docs/conform.md
//	vectors FILE…         check recorded outputs of real drivers against the encoders
//	vhca -- CMD ARGS…     run a program of libibverbs with a virtual adapter, behind the
//	                      real libmlx5
//
//	mutants [MUTANT…]     run the generators and checks against re-created historical
//	                      defects: found or not, by which check, how fast
//	compare [FILE|DIR…]   the ways of registering a workload side by side: accepted
//	                      lists, regions, copies, pools, estimated time
//	bench                 measure encoders and check loop beside a copy, plain C, the
//	                      libmlx5 of the distribution and naive Go
//
//	import --out DIR FILE…   iovec logs to case files; with --format also inputs of fuzzing engines
//	export --format NAME --out DIR [CASE…]
//	                      cases, or a target's seeds, as inputs of fuzzing engines
//	fmt FILE|DIR…         bring case files into their canonical form
//	corpus list [CASE…]   names, entries, features and wants of cases
//	corpus minimize DIR… --out DIR  the fewest cases that show all that all of them show
//	corpus fmt FILE|DIR…  the same as fmt
//
//	help [VERB]           what a verb does and takes, as with --help
//	completion SHELL      what makes bash, zsh or fish complete this command line
//	man                   the manual page
//	schema [VERB]         the JSON Schema of what a verb gives with --json
//	version               version and build
//
// # Cases
//
// Where a case is read, its file can be named, or an embedded case, such as
// features/single-entry ("sgfuzz corpus list" lists them); what is on disk goes
// before. A FILE of "-" is standard input, where a verb reads one file. A
// directory stands for the case files (*.sgcase) below it, and one of the
// embedded set, such as bugs, for its cases. The text form of a case is
// described in package corpus.
//
// # Exit status
//
//	0  fine
//	1  findings: a check failed, recorded outputs differ, a file is not canonical
//	2  wrong usage, or input that cannot be read, parsed or used
//	3  an I/O error on the side of the output, an interrupt before there was a
//	   result, or a bug in sgfuzz
//
// Of several that apply the highest counts. A verb that takes several files
// goes on behind one that cannot be used: findings in the others are printed,
// but the status is 2, as the verdict is not complete.
//
// # Output
//
// Results go to standard output, progress and errors to standard error. Long
// work shows a bar if standard error is a terminal, and a line every five
// seconds if not.
//
// Every verb takes --json[=FILE]: one JSON object with the result; mutants gives
// a list, and bench an object a line as it goes. Without FILE it stands on
// standard output in place of the text; with FILE, which must be joined with
// '=', the text is printed too. The object of a verb that could not do its work
// has the fields "error" and "exit" only. Field names are stable: new ones may
// come, none goes or changes its meaning. "sgfuzz schema VERB" prints the JSON
// Schema of what a verb gives.
//
// Names that are mistyped (verbs, flags, strategies, dialects, profiles,
// generators, mutants, embedded cases) are answered with those that are near.
//
// Files are written whole or not at all.
//
// # Environment
//
// NO_COLOR, if it is not empty, or TERM=dumb keeps colours out of the output;
// there are none anyway where it is not a terminal. COLUMNS is the width of help
// and pictures where there is no terminal to ask. bench and vhca run a C
// compiler and other programs, which have variables of their own.
//
// # Interruption
//
// The first interrupt (ctrl-C) or SIGTERM ends the work at the next case: what
// was found is saved, the summary is printed, and the exit status is that of
// the work done. Work that shows nothing unless it is complete (corpus minimize)
// writes nothing and says so. The second interrupt kills.
//
// # Campaigns
//
// A campaign runs cases in rounds: some are drawn, some are made from cases of
// earlier rounds that showed something new. What it does depends on the seed
// and the filters alone, not on --jobs or the time. "run" prints the seed.
// With --no-guide every case is drawn, and depends on the seed and its number.
//
// With --state=DIR the campaign is saved after each round, and goes on from
// there when "run" is given the same directory, also after a crash: at worst
// the last round is done again. The seed is then that of the state.
//
// A finding is saved in the directory --out, which is made when there is one,
// and printed with what triggers it and the command that shows it again. Files
// whose names begin with "unshrunk" are failures as they were met, which have
// not been shrunk yet:
//
//	sgfuzz replay findings/read-stream-indirect-0123456789ab.sgcase
//
// # Pipes
//
// decode reads what encode writes:
//
//	sgfuzz encode case.sgcase | sgfuzz decode
//
// In the text form of encode each WQE is a block of hex under a comment line
// "# WQE n: …"; the list of a UMR by pointer follows under "# list of WQE n …",
// which decode attaches to the UMR in front of it.
package main
