// Package wqeview lays pasted WQEs and completions out as plain data for
// terminals, pages and JSON.
//
// Of is one WQE: its parts, fields and list entries with their bytes and
// meaning (mlx5model.View, of which the layout table of mlx5model is the only
// source), what the strict decoder finds, and the dialect it seems to come
// from. (*mlx5model.View).At answers which field a byte belongs to; a field's
// Offset and Size answer the reverse. OfCQE is one completion with its syndrome
// explained.
//
// Parse is a whole paste: it reads the text forms of package wqetext, cuts
// rings into WQEs, holds the drivers' headings against the bytes, and matches
// completions with the WQEs that they are about.
//
// Nothing here judges what mlx5model does not: a finding that concerns more
// than one WQE, or the log around it, has the rule RuleFrame.
package wqeview
