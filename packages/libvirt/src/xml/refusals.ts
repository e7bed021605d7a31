import type { Message } from '@cloister/kit'
import { LibvirtError } from '../error.ts'
import { shown } from '../shown.ts'

/** Refusals that an error lists; those beyond are counted. */
const mostListed = 20

/** Everything in one document that no driver can honour, so that one error tells all of it. */
export class Refusals {
  readonly #listed: Message[] = []
  #count = 0

  /** @param path of the element, as `domain/devices/disk[2]` */
  add(path: string, why: Message): void {
    this.#count++
    if (this.#listed.length < mostListed) this.#listed.push(located(path, why))
  }

  /** @throws LibvirtError CONFIG_UNSUPPORTED when anything was added */
  throwIfAny(): void {
    if (this.#count === 0) return
    const [formats, fields] = [this.#listed.map(({ format }) => format), this.#listed.flatMap((one) => one.fields)]
    const rest = this.#count - this.#listed.length
    const detail: Message = {
      format: rest === 0 ? formats.join('; ') : `${formats.join('; ')}; and %s more`,
      fields: rest === 0 ? fields : [...fields, rest],
    }
    throw new LibvirtError('CONFIG_UNSUPPORTED', detail, { domain: 'DOMAIN' })
  }
}

/** A message behind the path that it is about, its fields cut to a length that can be read. */
export function located(path: string, { format, fields }: Message): Message {
  const short = fields.map((field) => (typeof field === 'string' ? shown(field) : field))
  return { format: `%s: ${format}`, fields: [path, ...short] }
}
