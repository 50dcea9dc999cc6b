# Prints the block of the C source that is NAME: a structure or a table of that
# name, or the enumeration that has NAME among its constants. A #line directive
# stands before it. Fails unless there is exactly one.
#
# usage: awk -v name=NAME -f block.awk FILE

function word(s, w) { return s ~ ("(^|[^A-Za-z0-9_])" w "([^A-Za-z0-9_]|$)") }

!inside && /^(struct|enum|static const)[^;()]*\{[ \t]*$/ {
	inside = 1
	start = FNR
	text = ""
	enumeration = /^enum/
	wanted = !enumeration && word($0, name)
}

inside {
	text = text $0 "\n"
	if (enumeration && $0 ~ ("^[ \t]+" name "([^A-Za-z0-9_]|$)"))
		wanted = 1
	if (/^}/) {
		if (wanted) {
			found++
			printf "#line %d \"%s\"\n%s\n", start, FILENAME, text
		}
		inside = 0
	}
}

END {
	if (found != 1) {
		printf "%s: %s: %s\n", FILENAME, name, found ? "defined more than once" : "not found" >"/dev/stderr"
		exit 1
	}
}
