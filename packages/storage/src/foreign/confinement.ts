import { msg, StoragePoolException } from '@cloister/kit'
import type { Command, Os, ProcessError } from '@cloister/os'

/** What a confined program may use. */
export interface ProgramLimits {
  readonly cpuSeconds: number
  /** Bytes of the largest file that it may write. */
  readonly fileSize: bigint
}

/** The user that a confined program runs as. */
export interface ImageUser {
  readonly uid: number
  readonly gid: number
}

/** The first user id above those of guests; each run of a program has another one, so that no two can reach each other. */
const firstUid = 0x7001_0000
const uidCount = 0x1000
/** Address space of a program, bytes. qemu-img needs a third of it. */
const memory = 768 << 20
const openFiles = 32
const threads = 128

/** The programs that are needed, and Debian's packages of them. */
const programs = { 'qemu-img': 'qemu-utils', setpriv: 'util-linux', prlimit: 'util-linux' } as const

/** No network, and a process namespace: what the program starts ends with it. */
const alone = ['--net', '--ipc', '--pid', '--fork', '--kill-child'] as const

/** What unshare(1) prints, with exit status 1, when the program in it was killed: it tries to end by the same signal. */
const killedWords = 'sigprocmask unblock failed'

/** Whether a confined program was ended by a signal, which is how the kernel enforces the limit on processor time. */
export function wasKilled({ status, stderr }: ProcessError): boolean {
  return (status !== undefined && status.signal !== null) || stderr.includes(killedWords)
}

let runs = 0

/**
 * How a program that reads an image from outside is run: under a user id that owns nothing else, without capabilities, without
 * network, and with limits on what it uses. It reaches files by descriptors that it inherits, and no process of it outlives it.
 * A process that is not root can give it no other user id, and namespaces only where the kernel lets any user make them.
 */
export class Confinement {
  /** Undefined: the program runs as the user of this process. */
  readonly user: ImageUser | undefined
  readonly #namespaces: readonly string[]

  private constructor(user: ImageUser | undefined, namespaces: readonly string[]) {
    this.user = user
    this.#namespaces = namespaces
  }

  /** Asks the machine what is possible. @throws StoragePoolException when a program is not installed */
  static async make({ host, processes }: Pick<Os, 'host' | 'processes'>): Promise<Confinement> {
    for (const [program, pack] of Object.entries(programs)) {
      if (!(await processes.find(program)))
        throw new StoragePoolException(msg`Cannot read the image: ${program} is not installed (package ${pack})`)
    }
    const isRoot = host.uid === 0
    const namespaces = [...(isRoot ? [] : ['--user', '--map-current-user']), ...alone]
    const uid = firstUid + (runs++ % uidCount)
    const canUnshare = await processes.run(['unshare', ...namespaces, '--', 'true']).then(
      () => true,
      () => false,
    )
    return new Confinement(isRoot ? { uid, gid: uid } : undefined, canUnshare ? namespaces : [])
  }

  /** The command that runs `program` confined. */
  command(program: Command, { cpuSeconds, fileSize }: ProgramLimits): Command {
    const { user } = this
    const rights = user
      ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all']
      : []
    const namespaces = this.#namespaces.length > 0 ? ['unshare', ...this.#namespaces, '--'] : []
    return [
      'env',
      ...namespaces,
      ...['setpriv', ...rights, '--no-new-privs', '--pdeathsig=KILL', '--'],
      ...['prlimit', `--as=${memory}`, `--cpu=${cpuSeconds}`, `--fsize=${fileSize}`, `--nofile=${openFiles}`],
      ...['--core=0', ...(user ? [`--nproc=${threads}`] : []), '--'],
      // Nothing of this process's environment; one arena, because each costs 64 MiB of address space.
      ...['env', '--ignore-environment', 'LC_ALL=C.UTF-8', 'MALLOC_ARENA_MAX=1', ...program],
    ]
  }
}
