// Package report makes one page of a campaign's state directory.
//
//	r, err := report.Read(dir, report.Options{})
//	err = r.WriteHTML(w)
//
// Read takes everything from files: the journal, the findings, and the results
// of "sgfuzz mutants --json" and "sgfuzz bench --json". Nothing is measured or
// fuzzed again; only the pictures are made anew, by registering the findings'
// lists. A Report is plain values, the JSON of "sgfuzz report".
//
// A part that has no data says in the page which command makes it. A part whose
// file cannot be used says what is wrong with it and where, and the rest of the
// report is made all the same; Report.Problems lists those files.
//
// # Bounds
//
// The journal is read a line at a time. Of findings, the first Options.Findings
// are shown, pictures until they take Options.PictureBytes; what was left out
// is counted. Result files may have MaxResults bytes.
package report
