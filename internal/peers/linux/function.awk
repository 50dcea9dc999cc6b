# Prints the definition of the C function NAME, with a #line directive before it.
# Fails unless there is exactly one, in the layout of the kernel's coding style:
# it starts in the first column, and its closing brace alone is there, too.
#
# usage: awk -v name=NAME -f function.awk FILE

function fail(why) {
	printf "%s: %s: %s\n", FILENAME, name, why >"/dev/stderr"
	failed = 1
	exit 1
}

# code is a line without comments, strings and character constants.
function code(s,    at) {
	if (comment) {
		if (!(at = index(s, "*/")))
			return ""
		s = substr(s, at + 2)
		comment = 0
	}
	gsub(/"([^"\\]|\\.)*"/, "", s)
	gsub(/'([^'\\]|\\.)*'/, "", s)
	gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", s)
	sub(/\/\/.*/, "", s)
	if (at = index(s, "/*")) {
		s = substr(s, 1, at - 1)
		comment = 1
	}
	return s
}

BEGIN {
	pattern = "(^|[^A-Za-z0-9_])" name "[ \t]*\\("
	state = "outside"
}

{ c = code($0) }

# A return type may stand on the line before.
state == "outside" && c ~ pattern && c ~ /^[A-Za-z_]/ {
	state = "head"
	text = ""
	start = FNR
	if (c ~ "^" name && previous ~ /^[A-Za-z_][A-Za-z0-9_ \t*]*$/) {
		text = previous "\n"
		start--
	}
	depth = 0
}

state != "outside" {
	text = text $0 "\n"
	if (state == "body" && c ~ /^}/ && depth != 1)
		fail("line " FNR ": braces do not match")
	brace = index(c, "{")
	if (state == "head" && index(c, ";") && (!brace || index(c, ";") < brace)) {
		state = "outside" # a declaration
	} else {
		if (brace)
			state = "body"
		depth += gsub(/{/, "", c) - gsub(/}/, "", c)
		if (state == "body" && depth <= 0) {
			if ($0 !~ /^}/)
				fail("line " FNR ": the end is not in the first column")
			if (found++)
				fail("defined more than once")
			printf "#line %d \"%s\"\n%s\n", start, FILENAME, text
			state = "outside"
		}
	}
}

{ previous = c }

END {
	if (!failed && state == "body")
		fail("the file ends inside")
	if (!failed && !found)
		fail("not found")
}
