import { msg } from '@cloister/kit'
import { LibvirtError } from '../../../error.ts'
import { SocketConsole } from './console.ts'

/** Opens the consoles of a run, each for one user at a time. */
export class ConsoleDesk {
  readonly #paths: ReadonlyMap<string, string>
  readonly #open = new Map<string, SocketConsole>()

  /** @param paths sockets by alias, the default console first */
  constructor(paths: ReadonlyMap<string, string>) {
    this.#paths = paths
  }

  /**
   * Opens the console of an alias, or the first; `force` closes it for the user who has it open.
   * @throws LibvirtError DEVICE_MISSING, OPERATION_FAILED when it is in use
   */
  async open(alias: string | undefined, force: boolean): Promise<SocketConsole> {
    const [first] = this.#paths.keys()
    const name = alias ?? first ?? ''
    const path = this.#paths.get(name)
    if (path === undefined)
      throw new LibvirtError('DEVICE_MISSING', msg`no console '${alias ?? 'default'}'`, { domain: 'QEMU' })
    const former = this.#open.get(name)
    if (former && !former.closed && !force)
      throw new LibvirtError('OPERATION_FAILED', 'Active console session exists for this domain', { domain: 'QEMU' })
    former?.close()
    const console = new SocketConsole(path)
    this.#open.set(name, console)
    await console.connected
    return console
  }

  /** Closes all consoles. */
  close(): void {
    for (const console of this.#open.values()) console.close()
    this.#open.clear()
  }
}
