import type { App } from '../../app.ts'
import type { CoreEvent } from '../../changes/core-event.ts'

/** The system as a subscriber knows it from events alone; compared with the real system when no operation is under way. */
export class Replica {
  #domains = new Set<string>()
  #running = new Set<string>()
  /** Last value that was told of a feature, tag or property, by domain and kind. */
  #told = new Map<string, string | undefined>()

  /** Reads the system again, as a subscriber does after it has lost its connection. */
  load(app: App): void {
    this.#domains = new Set([...app.domains].map(({ name }) => name))
    this.#running = runningNow(app)
    this.#told = new Map()
  }

  hear({ domain = '', name, pairs }: CoreEvent): void {
    const values = new Map(pairs)
    const [event = '', variant = ''] = name.split(/:(.*)/s)
    const key = (kind: string): string => `${domain} ${kind} ${variant}`
    if (event === 'domain-add') this.#domains.add(values.get('vm') ?? '')
    else if (event === 'domain-delete') this.#forget(values.get('vm') ?? '')
    else if (event === 'domain-start') this.#running.add(domain)
    else if (event === 'domain-shutdown') this.#running.delete(domain)
    else if (event === 'domain-feature-set') this.#told.set(key('feature'), values.get('value') ?? '')
    else if (event === 'domain-feature-delete') this.#told.set(key('feature'), undefined)
    else if (event === 'domain-tag-add') this.#told.set(key('tag'), '1')
    else if (event === 'domain-tag-delete') this.#told.set(key('tag'), undefined)
  }

  /** Differences between the events and the system, in words. */
  differences(app: App): string[] {
    const problems = [
      ...different('domains told', this.#domains, new Set([...app.domains].map(({ name }) => name))),
      ...different('running domains told', this.#running, runningNow(app)),
    ]
    for (const [key, value] of this.#told) {
      const [domain = '', kind, name = ''] = key.split(' ')
      const vm = app.domains.find(domain)
      if (!vm) continue
      const now = kind === 'tag' ? (vm.tags.has(name) ? '1' : undefined) : vm.features.find(name)
      if (now !== value) problems.push(`${key} was told to be ${value}, it is ${now}`)
    }
    return problems
  }

  #forget(domain: string): void {
    this.#domains.delete(domain)
    this.#running.delete(domain)
    for (const key of this.#told.keys()) if (key.startsWith(`${domain} `)) this.#told.delete(key)
  }
}

function runningNow(app: App): Set<string> {
  return new Set([...app.domains].filter(({ phase }) => phase.name === 'running').map(({ name }) => name))
}

function different(what: string, told: ReadonlySet<string>, real: ReadonlySet<string>): string[] {
  const [more, less] = [told.difference(real), real.difference(told)]
  return more.size + less.size === 0 ? [] : [`${what}: too many ${[...more].join()}, missing ${[...less].join()}`]
}
