import type { Clock, DetachedProcess, ExitStatus, Processes, ProcessIdentity } from '@cloister/os'

/** A QEMU that was started, by us or by a daemon before us. */
export class QemuProcess {
  readonly identity: ProcessIdentity
  readonly #processes: Processes
  readonly #exited: Promise<ExitStatus> | undefined
  #gone: Promise<ExitStatus | undefined> | undefined

  private constructor(processes: Processes, identity: ProcessIdentity, exited?: Promise<ExitStatus>) {
    this.#processes = processes
    this.identity = identity
    this.#exited = exited
  }

  /** One that we have started: its end is told us. */
  static started(processes: Processes, { pid, startTime, exited }: DetachedProcess): QemuProcess {
    return new QemuProcess(processes, { pid, startTime }, exited)
  }

  /** One that was running before: its end must be looked for. */
  static found(processes: Processes, identity: ProcessIdentity): QemuProcess {
    return new QemuProcess(processes, identity)
  }

  /** True when we are told of the end; otherwise waiting for it costs a look every now and then. */
  get isOurs(): boolean {
    return this.#exited !== undefined
  }

  /** Resolves when the process is gone and its images are closed, with its exit status if we were its parent. */
  gone(): Promise<ExitStatus | undefined> {
    this.#gone ??= this.#exited ?? this.#processes.gone(this.identity).then(() => undefined)
    return this.#gone
  }

  /** Whether it goes within that time. */
  async goneWithin(ms: number, clock: Clock): Promise<boolean> {
    const late = new AbortController()
    const waiting = clock.sleep(ms, late.signal).then(
      () => false,
      () => false,
    )
    return Promise.race([this.gone().then(() => true), waiting]).finally(() => late.abort())
  }

  /** Ends it at once; a process that merely has the same number is left alone. */
  async kill(): Promise<void> {
    await this.#processes.signal(this.identity, 'SIGKILL')
  }
}
