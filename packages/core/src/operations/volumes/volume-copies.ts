import {
  msg,
  QubesException,
  QubesVMError,
  QubesVolumeCopyInUseError,
  QubesVolumeCopyTokenNotFoundError,
} from '@cloister/kit'
import type { App } from '../../app.ts'
import { type OwnedVolume, whileHalted } from './volume-operations.ts'

const tokenLength = 32
const tokenLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** Tokens that wait for their copy at a time; more means that somebody forgets them. */
const mostTokens = 1000

/** Copies of volumes in two calls: a token for the source, then the copy (reference: storage-and-lifecycle, A.3.2). */
export class VolumeCopies {
  readonly #app: App
  readonly #sources = new Map<string, OwnedVolume>()

  constructor(app: App) {
    this.#app = app
  }

  /** A token that stands for the volume, good for one copy, forgotten with the daemon. */
  offer(source: OwnedVolume): string {
    if (this.#sources.size >= mostTokens)
      throw new QubesVolumeCopyInUseError('Too many copies of volumes have been begun and not made')
    const token = this.#newToken()
    this.#sources.set(token, source)
    return token
  }

  /** Copies the volume that the token stands for; the token is used up, whatever happens. */
  async take(token: string, target: OwnedVolume): Promise<void> {
    const source = this.#sources.get(token)
    if (!source) throw new QubesVolumeCopyTokenNotFoundError('There is no volume to be copied under this token')
    this.#sources.delete(token)
    if (!source.vm.registered) throw new QubesException(msg`The volume ${source.volume.vid} is gone`)
    await this.copy(source, target)
  }

  /** Copies the committed content of one volume into another. */
  async copy(source: OwnedVolume, { vm, storage, volume }: OwnedVolume): Promise<void> {
    if (source.volume.revisionsToKeep === -1 && source.vm.powerState !== 'Halted') {
      throw new QubesVMError(msg`Volume ${source.volume.vid} must be stopped before importing its data`)
    }
    await whileHalted(vm, 'Copying into a volume', () => volume.importVolume(source.volume))
    await this.#app.change((unit) => {
      storage.store(unit, volume.name)
      this.#app.events.fire(unit, vm, 'domain-import-volume', { name: volume.name, source: source.volume.vid })
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
