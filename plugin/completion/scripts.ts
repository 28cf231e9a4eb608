import type { SHELLS } from '../subcommands.ts';

/** The script for a shell. Each asks `kubectl-blame __complete`, which prints what cobra programs print. */
export function completionScript(shell: (typeof SHELLS)[number]): string {
  return SCRIPTS[shell].trimStart();
}

const SCRIPTS = {
  bash: `
# bash completion for kubectl-blame
_kubectl_blame() {
  local line="\${COMP_LINE:0:COMP_POINT}" word part prefix candidates
  local -a words
  COMPREPLY=()
  read -ra words <<<"$line"
  if [[ $line == *[[:space:]] ]]; then words+=(''); fi
  word="\${words[\${#words[@]}-1]}"
  # Readline also breaks words at : and @, and replaces only what stands behind a :, or from an @ on.
  part="\${COMP_WORDS[COMP_CWORD]}"
  if [[ $part == : ]]; then part=''; fi
  if [[ \${word%"$part"} == *@ ]]; then part="@$part"; fi
  prefix="\${word%"$part"}"
  candidates="$(kubectl-blame __complete "\${words[@]:1}" 2>/dev/null)"
  local directive="\${candidates##*:}"
  candidates="\${candidates%:*}"
  local IFS=$'\\n' candidate
  for candidate in $candidates; do
    candidate="\${candidate%%$'\\t'*}"
    COMPREPLY+=("$(printf '%q' "\${candidate#"$prefix"}")")
  done
  if [[ $directive == 0 ]]; then
    COMPREPLY=($(compgen -f -- "$word"))
    compopt -o filenames 2>/dev/null
  fi
}
complete -F _kubectl_blame kubectl-blame
`,
  zsh: `
#compdef kubectl-blame
_kubectl_blame() {
  local -a lines entries
  lines=("\${(@f)$(kubectl-blame __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local directive="\${lines[-1]}" line
  lines=("\${(@)lines[1,-2]}")
  if [[ $directive == ':0' ]]; then
    _files
    return
  fi
  for line in $lines; do
    line="\${line//:/\\\\:}"
    entries+=("\${line/$'\\t'/:}")
  done
  _describe -V 'kubectl-blame' entries
}
compdef _kubectl_blame kubectl-blame
`,
  fish: `
# fish completion for kubectl-blame
function __kubectl_blame_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (kubectl-blame __complete $words[2..-1] 2>/dev/null)
    set -l directive $lines[-1]
    if test "$directive" = ":0"
        __fish_complete_path (commandline -ct)
        return
    end
    for line in $lines[1..-2]
        echo $line
    end
end
complete -c kubectl-blame -f -k -a '(__kubectl_blame_complete)'
`,
  kubectl: `
#!/bin/sh
# kubectl calls this for "kubectl blame <TAB>": put it on the PATH as kubectl_complete-blame, and make it executable.
exec kubectl-blame __complete "$@"
`,
};
