import { join } from 'node:path'
import { buildGuest, guestIsBuilt } from '../guest/build-guest.ts'
import { downloadKernel, findKernel } from './kernel.ts'
import type { Report, Step, Tools } from './step.ts'

/** The tiny guest that demo and tests boot, in the folder `guest` of the cache. */
export class GuestStep implements Step {
  readonly name: string = 'guest image'
  readonly #guest: string
  readonly #kernel: string
  readonly #tools: Tools

  constructor(cache: string, tools: Tools) {
    this.#guest = join(cache, 'guest')
    this.#kernel = join(cache, 'kernel')
    this.#tools = tools
  }

  async ready(): Promise<boolean> {
    return guestIsBuilt(this.#guest, await this.#busybox())
  }

  async make(report: Report): Promise<void> {
    const { processes } = this.#tools
    const find = async () => (await findKernel('/', processes)) ?? (await findKernel(this.#kernel, processes))
    if (!(await find())) await downloadKernel(this.#kernel, this.#tools, report)
    const kernel = await find()
    if (!kernel) throw new Error(`The kernel in ${this.#kernel} cannot run a guest: remove that folder and try again`)
    report(`building with Linux ${kernel.version}`)
    await buildGuest(this.#guest, kernel, await this.#busybox(), processes)
  }

  async #busybox(): Promise<string> {
    const path = await this.#tools.processes.find('busybox')
    if (path === undefined) throw new Error('busybox is not installed')
    return path
  }
}
