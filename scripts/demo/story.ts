import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type DomainListItem, vmConsole, vmCreateTemplate } from '@cloister/admin-protocol'
import type { AdminClient, Domain } from '@cloister/client'
import { type CommandResult, GuestConsole } from './guest-console.ts'
import type { Terminal } from './terminal.ts'

const image = fileURLToPath(new URL('../../.cache/guest/root.img', import.meta.url))
/** A guest that is emulated on a busy host takes minutes to boot. */
const bootMs = 300_000
const commandMs = 60_000
const guestProperties = { memory: '160', maxmem: '0', vcpus: '1' } as const
/** A file on the private volume, which guests mount at `/rw`, and one on the root volume. */
const files = { private: '/rw/note', root: '/root/note' } as const

/** The steps that the demo shows, on an empty system, by calls of the Admin API and by commands on the consoles of guests. */
export class Story {
  readonly #client: AdminClient
  readonly #terminal: Terminal
  readonly #signal: AbortSignal

  constructor(client: AdminClient, terminal: Terminal, signal: AbortSignal) {
    this.#client = client
    this.#terminal = terminal
    this.#signal = signal
  }

  /** @throws Error when a step fails or has the wrong result; the reason of the signal when that is aborted */
  async tell(): Promise<void> {
    await this.#makeTemplate()
    const work = await this.#makeDomain('work', 'blue')
    const web = await this.#makeDomain('web', 'orange')
    const disposable = await this.#makeDisposable(web)
    const all = [work, web, disposable]
    await this.#start(all)
    await this.#showDomains()
    await this.#writeFiles(work)
    await this.#step('Restarting work', () => this.#restart(work))
    await this.#readFiles(work)
    await this.#step('Shutting down all domains', () => this.#shutDown(all))
    await this.#showDomains()
  }

  async #makeTemplate(): Promise<void> {
    const { size } = await stat(image)
    await this.#step(`Template tiny, with a root volume of ${size >> 20} MiB`, async () => {
      const stream = createReadStream(image)
      await this.#client.call(vmCreateTemplate, { dialect: 'mgmt', argument: 'tiny', stream, signal: this.#signal })
      // Properties of the template are the defaults of its domains.
      const template = this.#client.domain('tiny')
      for (const [name, value] of Object.entries(guestProperties)) await template.setProperty(name, value)
    })
  }

  async #makeDomain(name: string, label: string): Promise<Domain> {
    return this.#step(`App domain ${name}, made from the template`, async () => {
      const domain = await this.#client.domains.create({ name, label, klass: 'AppVM', template: 'tiny' })
      await domain.setProperty('kernelopts', `hostname=${name}`)
      return domain
    })
  }

  async #makeDisposable(of: Domain): Promise<Domain> {
    return this.#step(`Disposable made from ${of.name}; it is removed when it stops`, async () => {
      await of.setProperty('template_for_dispvms', 'True')
      const disposable = await this.#client.domains.createDisposable(of.name)
      await disposable.setProperty('kernelopts', `hostname=${disposable.name}`)
      return disposable
    })
  }

  async #start(domains: readonly Domain[]): Promise<void> {
    await this.#step(`Starting ${domains.map(({ name }) => name).join(', ')}`, async () => {
      for (const domain of domains) await domain.start({ signal: this.#signal })
    })
    await this.#step('Waiting until the guests have booted', () =>
      Promise.all(domains.map((domain) => this.#inGuest(domain, async () => {}))),
    )
  }

  async #writeFiles(domain: Domain): Promise<void> {
    await this.#inGuest(domain, async (run) => {
      for (const file of Object.values(files)) await run(`echo 'written by the demo' >${file} && sync`)
    })
  }

  /** The file on the private volume must be there; the file on the root volume must not. */
  async #readFiles(domain: Domain): Promise<void> {
    await this.#inGuest(domain, async (run) => {
      const kept = await run(`cat ${files.private}`)
      const gone = await run(`cat ${files.root}`)
      if (kept.status !== 0) throw new Error(`${files.private} is gone, but the private volume should be kept`)
      if (gone.status === 0) throw new Error(`${files.root} is still there, but the root volume should be new`)
    })
    this.#terminal.line('  The private volume was kept; the root volume is a new copy of the template.')
  }

  async #restart(domain: Domain): Promise<void> {
    await domain.shutdown({ wait: true }, { signal: this.#signal })
    await domain.start({ signal: this.#signal })
    await this.#inGuest(domain, async () => {})
  }

  async #shutDown(domains: readonly Domain[]): Promise<void> {
    await Promise.all(domains.map((domain) => domain.shutdown({ wait: true }, { signal: this.#signal })))
  }

  async #showDomains(): Promise<void> {
    const rows = await Promise.all((await this.#client.domains.list()).map((item) => this.#describe(item)))
    this.#terminal.line()
    this.#terminal.table(['NAME', 'CLASS', 'STATE', 'LABEL', 'TEMPLATE', 'MEMORY'], rows)
    this.#terminal.line()
  }

  async #describe({ name, klass, state }: DomainListItem): Promise<string[]> {
    const domain = this.#client.domain(name)
    const properties = new Map((await domain.properties()).map((property) => [property.name, property.value]))
    const memory = klass === 'AdminVM' || state === 'Halted' ? '-' : `${(await domain.state()).memory >> 10n} MiB`
    return [name, klass, state, properties.get('label') ?? '-', properties.get('template') ?? '-', memory]
  }

  /** Waits until the guest of a domain answers on its console, and runs `work` with a function that types there. */
  async #inGuest(
    domain: Domain,
    work: (run: (line: string) => Promise<CommandResult>) => Promise<void>,
  ): Promise<void> {
    const console = await GuestConsole.connect(await domain.call(vmConsole, {}))
    try {
      await console.ready(this.#within(bootMs))
      await work(async (line) => {
        const result = await console.run(line, this.#within(commandMs))
        this.#terminal.typed(`${domain.name}#`, line, result.output)
        return result
      })
    } finally {
      console.close()
    }
  }

  #within(ms: number): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(ms)])
  }

  #step<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted()
    return this.#terminal.step(what, work)
  }
}
