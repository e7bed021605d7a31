import {
  type CreateRequest,
  type DomainListItem,
  vmCreate,
  vmCreateDisposable,
  vmCreateInPool,
  vmList,
} from '@cloister/admin-protocol'
import { QubesException } from '@cloister/kit'
import type { AdminClient } from './admin-client.ts'
import type { Domain } from './domain.ts'

/** A domain to be made. */
export interface NewDomain extends Pick<CreateRequest, 'name' | 'label'> {
  readonly klass: string
  /** When not given: the system's default. Only for classes that have a template. */
  readonly template?: string
  /** Pool for all volumes, or pools by volume. */
  readonly pool?: string | ReadonlyMap<string, string>
}

/** The domains of a system. */
export class Domains {
  readonly #client: AdminClient

  constructor(client: AdminClient) {
    this.#client = client
  }

  /** All domains that the caller may see, the admin domain first. */
  async list(): Promise<readonly DomainListItem[]> {
    return await this.#client.call(vmList, {})
  }

  /** Makes a domain; it is halted. */
  async create({ name, label, klass, template, pool }: NewDomain): Promise<Domain> {
    await this.#client.call(pool === undefined ? vmCreate : vmCreateInPool, {
      variant: klass,
      argument: template,
      payload: {
        name,
        label,
        pool: typeof pool === 'string' ? pool : undefined,
        pools: typeof pool === 'object' ? pool : new Map<string, string>(),
      },
    })
    return this.#client.domain(name)
  }

  /** Makes a disposable from `template`, or from the caller's default_dispvm. It is halted at first, and removed when it stops. */
  async createDisposable(template?: string): Promise<Domain> {
    const name = await this.#client.call(vmCreateDisposable, template === undefined ? {} : { dest: template })
    if (name === undefined) throw new QubesException('the daemon made a disposable but did not say its name')
    return this.#client.domain(name)
  }
}
