#compdef sgfuzz
# Completion of sgfuzz for zsh, made by "sgfuzz completion zsh".
_sgfuzz() {
  local -a reply closed open
  local takes prefix line text
  reply=("${(@f)$(${~${(Q)words[1]}} __complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
  takes=${reply[1]%%:*} prefix=${reply[1]#*:}
  (( ${#prefix} )) && compset -p ${#prefix}
  for line in "${(@)reply[2,-1]}"; do
    text=${line%%$'\t'*}
    line=${text//:/\\:}:${line#*$'\t'}
    case $text in
      *[=/]) open+=("$line") ;;
      *) closed+=("$line") ;;
    esac
  done
  (( $#closed )) && _describe -t values value closed
  (( $#open )) && _describe -t values value open -S ''
  case $takes in
    file|case) _files ;;
    directory) _files -/ ;;
    command) _command_names -e ;;
  esac
}
if [[ ${funcstack[1]} == _sgfuzz ]]; then
  _sgfuzz "$@"
else
  compdef _sgfuzz sgfuzz
fi
