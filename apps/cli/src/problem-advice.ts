import type { Problem, ProblemKind } from '@cloister/admin-protocol'
import type { Level } from './doctor/finding.ts'

/** How bad a problem is, and what to do about it. */
interface Advice {
  readonly level: Level
  readonly todo: string
}

interface Row {
  readonly kind: ProblemKind
  /** How the reason begins. */
  readonly begins: string
  readonly level: Level
  readonly todo: (name: string) => string
}

const reset = 'set the value again, or reset it'

/** The first row that fits counts. */
const rows: readonly Row[] = [
  {
    kind: 'domain',
    begins: 'is paused: no space',
    level: 'warning',
    todo: (name) => `free space, then \`cloister unpause ${name}\``,
  },
  {
    kind: 'domain',
    begins: 'is paused',
    level: 'warning',
    todo: (name) => `mend the disk of the host, then \`cloister unpause ${name}\``,
  },
  {
    kind: 'domain',
    begins: '',
    level: 'warning',
    todo: (name) => `${reset}, such as with \`cloister prefs ${name} PROPERTY --reset\`; ${name} cannot start before`,
  },
  {
    kind: 'system',
    begins: '',
    level: 'failure',
    todo: () =>
      `${reset}, such as with \`cloister prefs --global PROPERTY --reset\`; domains that it concerns cannot start before`,
  },
  {
    kind: 'pool',
    begins: 'has images',
    level: 'warning',
    todo: () => 'look whether they are needed: `cloister volume import` brings one back, `rm` removes one',
  },
  {
    kind: 'pool',
    begins: '',
    level: 'failure',
    todo: (name) => `its folder must be there and readable; \`cloister pool info ${name}\` shows where it is`,
  },
  {
    kind: 'kernel',
    begins: '',
    level: 'warning',
    todo: () => 'mend its files, or choose another with `cloister prefs DOMAIN kernel NAME`',
  },
]

/** What to do about a problem. */
export function adviceFor({ kind, name, reason }: Problem): Advice {
  const row = rows.find((one) => one.kind === kind && reason.startsWith(one.begins))
  return { level: row?.level ?? 'warning', todo: row?.todo(name) ?? 'the log of cloisterd says more' }
}
