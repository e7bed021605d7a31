import { msg } from '@cloister/kit'
import { LibvirtError } from '../../../error.ts'
import { uidCount } from '../qemu-settings.ts'

/** Hands out user ids, one to each running domain. An id that was released is used again after all others. */
export class UserIds {
  readonly #base: number
  readonly #taken = new Set<number>()
  #next = 0

  constructor(base: number) {
    this.#base = base
  }

  /** @throws LibvirtError OPERATION_FAILED when all are taken */
  take(): number {
    for (let tried = 0; tried < uidCount; tried++) {
      const uid = this.#base + this.#next
      this.#next = (this.#next + 1) % uidCount
      if (this.#taken.has(uid)) continue
      this.#taken.add(uid)
      return uid
    }
    throw new LibvirtError('OPERATION_FAILED', msg`all ${uidCount} user ids are in use`, { domain: 'QEMU' })
  }

  /** Notes the id of a domain that was found running. */
  reserve(uid: number): void {
    this.#taken.add(uid)
    this.#next = Math.max(this.#next, (uid - this.#base + 1) % uidCount)
  }

  release(uid: number): void {
    this.#taken.delete(uid)
  }
}
