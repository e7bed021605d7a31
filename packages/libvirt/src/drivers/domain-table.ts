import { type Message, msg } from '@cloister/kit'
import type { DomainHandle } from '../driver.ts'
import { LibvirtError } from '../error.ts'
import type { ErrorDomain } from '../error-numbers.ts'
import { shown } from '../shown.ts'
import { parseUuid } from '../uuid.ts'

/** A domain's identity: name and uuid never change, the id is -1 while it is not running. */
export interface Identified {
  readonly name: string
  readonly uuid: string
  readonly id: number
}

/** The domains of a driver, found by uuid, name and id at a constant cost, with libvirt's errors. */
export class DomainTable<T extends Identified> {
  readonly #byUuid = new Map<string, T>()
  readonly #byName = new Map<string, T>()
  readonly #byId = new Map<number, T>()
  readonly #errors: ErrorDomain

  /** @param errors domain of the errors that are thrown */
  constructor(errors: ErrorDomain) {
    this.#errors = errors
  }

  /** Adds a domain, or records that the id of one has changed from `formerId`. */
  put(domain: T, formerId = -1): void {
    this.#byUuid.set(domain.uuid, domain)
    this.#byName.set(domain.name, domain)
    if (formerId !== domain.id) this.#byId.delete(formerId)
    if (domain.id !== -1) this.#byId.set(domain.id, domain)
  }

  remove(domain: T): void {
    this.#byUuid.delete(domain.uuid)
    this.#byName.delete(domain.name)
    this.#byId.delete(domain.id)
  }

  /** All domains, in the order in which they were added. */
  list(): T[] {
    return [...this.#byUuid.values()]
  }

  /** The domain of a handle: the uuid decides (reference: libvirt, 1). @throws LibvirtError NO_DOMAIN */
  resolve({ uuid, name }: DomainHandle): T {
    return this.#byUuid.get(uuid) ?? this.#missing(msg`no domain with matching uuid '${uuid}' (${name})`)
  }

  /** @throws LibvirtError NO_DOMAIN */
  withName(name: string): T {
    return this.#byName.get(name) ?? this.#missing(msg`no domain with matching name '${shown(name)}'`)
  }

  /** @throws LibvirtError NO_DOMAIN, INVALID_ARG when the text is no uuid */
  withUuid(text: string): T {
    const uuid = parseUuid(text)
    if (uuid === undefined)
      throw new LibvirtError('INVALID_ARG', msg`'${shown(text)}' is not a uuid`, { domain: this.#errors })
    return this.#byUuid.get(uuid) ?? this.#missing(msg`no domain with matching uuid '${uuid}'`)
  }

  /** @throws LibvirtError NO_DOMAIN */
  withId(id: number): T {
    return this.#byId.get(id) ?? this.#missing(msg`no domain with matching id ${id}`)
  }

  /**
   * The domain that has the name and the uuid of a definition, if there is one. Both must belong to one domain, or both be free
   * (reference: libvirt, 1.1, identity clashes).
   * @throws LibvirtError OPERATION_FAILED
   */
  match({ name, uuid }: Pick<Identified, 'name' | 'uuid'>): T | undefined {
    const same = this.#byUuid.get(uuid)
    if (same && same.name !== name) throw this.#clash(msg`domain '${same.name}' is already defined with uuid ${uuid}`)
    const namesake = this.#byName.get(name)
    if (namesake && namesake !== same)
      throw this.#clash(msg`domain '${name}' already exists with uuid ${namesake.uuid}`)
    return same
  }

  #missing(detail: Message): never {
    throw new LibvirtError('NO_DOMAIN', detail, { domain: this.#errors })
  }

  #clash(detail: Message): LibvirtError {
    return new LibvirtError('OPERATION_FAILED', detail, { domain: this.#errors })
  }
}
