/** A program that the tools of Qubes OS run themselves, by its path (reference: admin-api, 1.1, 15.4 and 15.7). */
export interface HelperProgram {
  readonly path: string
  /** Lines of shell after the first two. */
  readonly script: readonly string[]
}

/** Exit status of a call whose service does not exist (reference: qrexec-and-policy, 12). */
const noSuchService = 127

/** A program for what Cloister does not serve: it says so, and fails. */
function notServed(path: string, what: string): HelperProgram {
  return { path, script: [`echo "\${0##*/}: ${what}" >&2`, `exit ${noSuchService}`] }
}

/**
 * `qvm-clone` and `qvm-remove` run `qvm-appmenus` to copy and to remove the menu entries of a domain. Cloister keeps none, so
 * that there is nothing to copy or to remove; everything else that is asked of the program fails.
 */
const appMenus: HelperProgram = {
  path: '/usr/bin/qvm-appmenus',
  script: [
    'unknown=',
    'for word; do',
    '  case $word in',
    '    --init | --update | --remove | --source | --source=* | --quiet | -q | --force | [!-]*) ;;',
    '    *) unknown=$word ;;',
    '  esac',
    'done',
    '[ $# -gt 0 ] && [ -z "$unknown" ] && exit 0',
    'echo "qvm-appmenus: Cloister keeps no application menus, so it cannot do this: $*" >&2',
    'exit 1',
  ],
}

/** What `cloister compat install` puts where the tools look for it. */
export const helperPrograms: readonly HelperProgram[] = [
  appMenus,
  notServed('/usr/bin/qrexec-client-vm', 'Cloister does not serve calls between domains yet'),
  notServed(
    '/usr/lib/qubes/qrexec-client',
    'Cloister cannot run programs in domains yet; \\`cloister console\\` opens a console',
  ),
]
