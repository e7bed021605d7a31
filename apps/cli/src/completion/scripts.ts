// Each script asks `cloister complete` what the last word may become, and shows the answer in its shell's own way.

const bash = `# Completion of cloister for bash: source <(cloister completion bash)
_cloister() {
  local line
  local -a lines
  mapfile -t lines < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=()
  case \${lines[0]-} in
    :file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"); return ;;
    :folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "\${COMP_WORDS[COMP_CWORD]}"); return ;;
  esac
  for line in "\${lines[@]}"; do COMPREPLY+=("\${line%%$'\\t'*}"); done
}
complete -F _cloister cloister
`

const zsh = `#compdef cloister
# Completion of cloister for zsh: source <(cloister completion zsh), or a file _cloister in a folder of $fpath
_cloister() {
  local line
  local -a lines values
  lines=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case \${lines[1]} in
    :file) _files; return ;;
    :folder) _files -/; return ;;
  esac
  for line in $lines; do values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}"); done
  (( \${#values} )) && _describe cloister values
}
if [[ "\${funcstack[1]}" == _cloister ]]; then _cloister "$@"; else compdef _cloister cloister; fi
`

const fish = `# Completion of cloister for fish: cloister completion fish | source
function __cloister_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l lines ($words[1] complete -- $words[2..-1] 2>/dev/null)
  switch "$lines[1]"
    case :file
      __fish_complete_path (commandline -ct)
    case :folder
      __fish_complete_directories (commandline -ct)
    case '*'
      printf '%s\\n' $lines
  end
end
complete -c cloister -f -a '(__cloister_complete)'
`

/** Shells for which there is a completion script. */
export const shells = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof shells)[number]

/** The completion script of each shell. */
export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish }
