# Completion of sgfuzz for bash, made by "sgfuzz completion bash".
_sgfuzz() {
  local IFS=$'\n' program=$1 i part words=() reply=() line text cur takes prefix head
  case $program in '~/'*) program=$HOME/${program:2} ;; esac
  # bash takes words apart at = and :, which belong to them here
  for ((i = 1; i <= COMP_CWORD; i++)); do
    part=${COMP_WORDS[i]}
    if ((${#words[@]})) && [[ $part =~ ^[=:]+$ || ${COMP_WORDS[i - 1]} =~ ^[=:]+$ ]]; then
      words[${#words[@]} - 1]+=$part
    else
      words+=("$part")
    fi
  done
  cur=${COMP_WORDS[COMP_CWORD]}
  [[ $cur =~ ^[=:]+$ ]] && cur=
  mapfile -t reply < <("$program" __complete -- "${words[@]}" 2>/dev/null)
  ((${#reply[@]})) || return
  takes=${reply[0]%%:*} prefix=${reply[0]#*:}
  head=${words[${#words[@]} - 1]}
  head=${head:0:${#head} - ${#cur}} # of the word, what bash does not replace
  COMPREPLY=()
  for line in "${reply[@]:1}"; do
    text=$prefix${line%%$'\t'*}
    COMPREPLY+=("${text#"$head"}")
  done
  case $takes in
    file) compopt -o default ;;
    directory) compopt -o dirnames ;;
    command) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
    case)
      mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur")
      compopt -o filenames
      ;;
  esac
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/] ]]; then compopt -o nospace; fi
}
complete -F _sgfuzz sgfuzz
