# Completion of sgfuzz for fish, made by "sgfuzz completion fish".
function __sgfuzz_complete
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -e words[1]
    set -l current (commandline -ct)
    set -l reply ($program __complete -- $words "$current" 2>/dev/null)
    set -l head (string split -m 1 : -- $reply[1])
    for line in $reply[2..-1]
        echo -- $head[2]$line
    end
    set -l rest (string sub -s (math 1 + (string length -- "$head[2]")) -- "$current")
    switch "$head[1]"
        case file case
            for line in (__fish_complete_path "$rest" file)
                echo -- $head[2]$line
            end
        case directory
            for line in (__fish_complete_directories "$rest" directory)
                echo -- $head[2]$line
            end
        case command
            __fish_complete_command
    end
end
complete -c sgfuzz -f -a '(__sgfuzz_complete)'
