import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '@cloister/kit'
import { nodeOs, type Os } from '@cloister/os'
import { expect, vi } from 'vitest'
import type { ConsoleStream, DomainHandle, Driver, LifecycleEvent } from '../../../driver.ts'
import { lifecycleDetails } from '../../../lifecycle-details.ts'
import { parseUri } from '../../../uri.ts'
import { ControlGroups } from '../host/control-groups.ts'
import { openQemuDriver } from '../qemu-driver.ts'
import { serialGuestImage } from './serial-guest.ts'

/** QEMU of this machine; suites that need it are skipped when there is none. */
export const qemu: string | undefined = await findQemu()

async function findQemu(): Promise<string | undefined> {
  const path = await nodeOs().processes.find('qemu-system-x86_64')
  if (path === undefined) console.warn('skipped: qemu-system-x86_64 is not installed (apt install qemu-system-x86)')
  return path
}

/** Options of the domain of a test; each has a default. */
export interface GuestOptions {
  readonly name?: string
  readonly uuid?: string
  /** Elements of `<os>` after the type; firmware boot when not given. */
  readonly os?: string
  /** Elements of `<devices>` beyond the boot disk, serial port, panic device. */
  readonly devices?: string
  readonly onReboot?: string
  /** `<currentMemory>`. */
  readonly memory?: string
  /** MiB; 64 when not given. */
  readonly maxMemory?: number
  /** Path of the boot disk's image; none when it is null. */
  readonly image?: string | null
}

let domains = 0

/** A driver in a folder of its own. When it is disposed of, its processes are ended and the folder is removed. */
export class QemuHarness {
  readonly folder: string
  readonly os: Os
  #driver: Driver | undefined
  /** Events so far, such as `t1 started/booted`. */
  readonly events: string[] = []
  /** What events said in words, those that did. */
  readonly whys: string[] = []
  readonly logged: string[] = []
  readonly uri: string

  private constructor(folder: string, os: Os, uri: string) {
    this.folder = folder
    this.os = os
    this.uri = uri
  }

  static async make(os: Os = nodeOs(), parameters = ''): Promise<QemuHarness> {
    const folder = await mkdtemp(join(tmpdir(), 'cloister-qemu-'))
    const harness = new QemuHarness(folder, os, `qemu:///embed?root=${folder}/q&accel=tcg${parameters}`)
    try {
      await harness.#open(os)
      return harness
    } catch (error) {
      await rm(folder, { recursive: true })
      throw error
    }
  }

  get driver(): Driver {
    if (!this.#driver) throw new Error('the driver is not open')
    return this.#driver
  }

  /** Opens a driver on the same folder again, as a daemon does that starts anew. */
  async reopen(os: Os = this.os): Promise<void> {
    await this.driver.connectClose()
    await this.#open(os)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const domain of await this.driver.connectListAllDomains({ active: true }))
      await this.driver.domainDestroy(domain).catch(() => {})
    const known = await this.driver.connectListAllDomains()
    await this.driver.connectClose()
    for (const pid of await this.processes()) await this.#kill(pid)
    const groups = await ControlGroups.find({ os: this.os })
    await groups.remove(known.flatMap((domain) => groups.folders(domain)))
    await rm(this.folder, { recursive: true })
  }

  /** Domain XML of a small guest. */
  async xml(options: GuestOptions = {}): Promise<string> {
    const number = ++domains
    const name = options.name ?? `t${number}`
    const image = options.image === undefined ? await this.bootImage(name) : options.image
    const disk = image === null ? '' : diskXml({ path: image })
    return `<domain type='qemu'><name>${name}</name>
      ${options.uuid ? `<uuid>${options.uuid}</uuid>` : ''}<memory unit='MiB'>${options.maxMemory ?? 64}</memory>${options.memory ?? ''}
      <os><type arch='x86_64'>hvm</type>${options.os ?? ''}</os><features><acpi/></features>
      <on_reboot>${options.onReboot ?? 'destroy'}</on_reboot>
      <devices>${disk}<serial type='unix'/><panic model='isa'/>${options.devices ?? ''}</devices></domain>`
  }

  /** An image that boots the serial guest. */
  async bootImage(name: string): Promise<string> {
    const path = join(this.folder, `${name}.img`)
    await writeFile(path, serialGuestImage(), { mode: 0o600 })
    return path
  }

  async define(options: GuestOptions = {}): Promise<DomainHandle> {
    return this.driver.domainDefineXML(await this.xml(options))
  }

  /** Starts a guest and waits until it says that it is ready. */
  async boot(options: GuestOptions = {}): Promise<{ domain: DomainHandle; console: TestConsole }> {
    const defined = await this.define(options)
    const domain = await this.driver.domainCreate(defined, { paused: true })
    const console = new TestConsole(await this.driver.domainOpenConsole(domain))
    await this.driver.domainResume(domain)
    await console.until('ready\n')
    return { domain, console }
  }

  /** Waits until the events end with these. */
  async untilEvents(...expected: string[]): Promise<void> {
    await expect.poll(() => this.events.slice(-expected.length), { timeout: 20_000, interval: 5 }).toEqual(expected)
  }

  /** Names in a folder below the driver's root. */
  async left(name: string): Promise<string[]> {
    return readdir(join(this.folder, 'q', name))
  }

  /** Process ids of the QEMUs that write their output to a file in this folder. */
  async processes(): Promise<number[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const outputs = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/fd/1`).catch(() => '')))
    return pids.filter((_, at) => outputs[at]?.startsWith(`${this.folder}/`)).map(Number)
  }

  /** Ends a process that a test has hidden from the driver. */
  async #kill(pid: number): Promise<void> {
    const identity = await this.os.processes.identify(pid)
    process.kill(pid, 'SIGKILL')
    if (identity) await this.os.processes.gone(identity)
  }

  async #open(os: Os): Promise<void> {
    const log = (level: string, message: string): void => void this.logged.push(`${level} ${message}`)
    this.#driver = await openQemuDriver(parseUri(this.uri), { os, log })
    this.#driver.connectDomainEventRegister((event) => {
      this.events.push(eventText(event))
      if (event.why !== undefined) this.whys.push(event.why)
    })
  }
}

/** `<disk>` of an image. */
export function diskXml({
  path,
  target = 'vda',
  format = 'raw',
  more = '',
}: {
  readonly path: string
  readonly target?: string
  readonly format?: 'raw' | 'qcow2'
  readonly more?: string
}): string {
  return `<disk type='file' device='disk'><driver name='qemu' type='${format}' discard='unmap'/><source file='${path}'/>
    <target dev='${target}' bus='virtio'/>${more}</disk>`
}

/** An event as tests compare it: `t1 started/booted`. */
function eventText({ domain, event, detail }: LifecycleEvent): string {
  const name = Object.entries(lifecycleDetails[event]).find(([, number]) => number === detail)?.[0]
  return `${domain.name} ${event}/${name ?? detail}`
}

/** A console whose output is collected. */
export class TestConsole {
  readonly stream: ConsoleStream
  text = ''
  /** Resolves when the output has ended. */
  readonly ended: Promise<void>

  constructor(stream: ConsoleStream) {
    this.stream = stream
    this.ended = this.#collect()
  }

  /** Waits until this text has come. */
  async until(text: string, timeout = 20_000): Promise<void> {
    await vi.waitFor(() => expect(this.text).toContain(text), { timeout, interval: 5 })
  }

  async type(text: string): Promise<void> {
    await this.stream.write(utf8(text))
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder()
    for await (const bytes of this.stream.output) this.text += decoder.decode(bytes, { stream: true })
  }
}
