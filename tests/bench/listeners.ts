import type { Socket } from 'node:net'

/** Time after which a message counts as lost, ms. */
const patienceMs = 10_000
/** Characters that are searched again with the next piece, as a message can arrive in two pieces. */
const kept = 128

interface Awaited {
  readonly text: string
  readonly heard: () => void
}

/** Many connections that receive the same messages. */
export class Listeners implements Disposable {
  readonly #sockets: readonly Socket[]
  #awaited: Awaited | undefined

  constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets
    for (const socket of sockets) this.#follow(socket)
  }

  /** Resolves when every connection has received the text, which must be a new one. @throws Error when one does not receive it */
  async allHear(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let missing = this.#sockets.length
    const late = setTimeout(() => reject(new Error(`${missing} connections were not told ${text}`)), patienceMs)
    const heard = (): void => {
      if (--missing === 0) resolve()
    }
    this.#awaited = { text, heard }
    await promise.finally(() => clearTimeout(late))
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #follow(socket: Socket): void {
    let before = ''
    let last: Awaited | undefined
    socket.setEncoding('latin1').on('data', (piece: string) => {
      const text = before + piece
      before = text.slice(-kept)
      if (this.#awaited === last || !this.#awaited || !text.includes(this.#awaited.text)) return
      last = this.#awaited
      last.heard()
    })
  }
}
