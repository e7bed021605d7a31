import {
  msg,
  QubesException,
  QubesVMError,
  QubesVolumeCopyInUseError,
  QubesVolumeCopyTokenNotFoundError,
} from '@cloister/kit'
import type { BaseVM } from '../../domains/base-vm.ts'
import type { System } from '../../domains/system.ts'
import { type OwnedVolume, whileHalted } from './volume-operations.ts'

const tokenLength = 32
const tokenLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** How long a token is good, ms. */
export const tokenLifeMs: number = 10 * 60_000
/** Tokens that one domain can hold at a time. */
export const tokensPerDomain: number = 100

/** A copy that was begun. */
interface Offer {
  readonly source: OwnedVolume
  /** The domain that asked for the token. */
  readonly holder: BaseVM
  /** On the monotonic clock, ms. */
  readonly expires: number
}

/** Copies of volumes in two calls: a token for the source, then the copy (reference: storage-and-lifecycle, A.3.2). */
export class VolumeCopies {
  readonly #app: System
  /** By token, the oldest first. */
  readonly #offers = new Map<string, Offer>()

  constructor(app: System) {
    this.#app = app
  }

  /**
   * A token that stands for the volume, good for one copy within ten minutes; a restart of the daemon forgets it.
   * @throws QubesVolumeCopyInUseError when `holder` has too many tokens
   */
  offer(source: OwnedVolume, holder: BaseVM): string {
    this.#expire()
    const held = [...this.#offers.values()].filter((offer) => offer.holder === holder).length
    if (held >= tokensPerDomain) {
      throw new QubesVolumeCopyInUseError(
        msg`${holder.name} has begun ${held} copies of volumes that it has not made: make them, or wait ten minutes`,
      )
    }
    const token = this.#newToken()
    this.#offers.set(token, { source, holder, expires: this.#app.os.clock.monotonic() + tokenLifeMs })
    return token
  }

  /** Copies the volume that the token stands for; the token is used up, whatever happens. */
  async take(token: string, target: OwnedVolume): Promise<void> {
    this.#expire()
    const source = this.#offers.get(token)?.source
    if (!source)
      throw new QubesVolumeCopyTokenNotFoundError(
        'No volume can be copied under this token: it was used, or it is too old',
      )
    this.#offers.delete(token)
    if (!source.vm.registered) throw new QubesException(msg`The volume ${source.volume.vid} is gone`)
    await this.copy(source, target)
  }

  #expire(): void {
    const now = this.#app.os.clock.monotonic()
    for (const [token, { expires }] of this.#offers) {
      if (expires > now) return
      this.#offers.delete(token)
    }
  }

  /** Copies the committed content of one volume into another. */
  async copy(source: OwnedVolume, { vm, storage, volume }: OwnedVolume): Promise<void> {
    using _source = source.vm === vm ? undefined : source.vm.phase.hold()
    if (source.volume.revisionsToKeep === -1 && source.vm.powerState !== 'Halted') {
      throw new QubesVMError(msg`Volume ${source.volume.vid} must be stopped before importing its data`)
    }
    await whileHalted(vm, `copying into its volume ${volume.name}`, async () => {
      await volume.importVolume(source.volume)
      await this.#app.changes.make((unit) => {
        storage.store(unit, volume.name)
        this.#app.events.fire(unit, vm, 'domain-import-volume', { name: volume.name, source: source.volume.vid })
      })
    })
  }

  #newToken(): string {
    // 62 letters do not divide 256: bytes above the last multiple are passed over, so that each letter is as likely.
    const fair = 256 - (256 % tokenLetters.length)
    let token = ''
    while (token.length < tokenLength) {
      for (const byte of this.#app.os.host.random(tokenLength)) {
        if (byte < fair && token.length < tokenLength) token += tokenLetters[byte % tokenLetters.length]
      }
    }
    return token
  }
}
