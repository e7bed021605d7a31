import type { Clock, DetachedProcess, ExitStatus, Processes, ProcessIdentity } from '@cloister/os'

/** A QEMU that was started by us or by another daemon. */
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

  /** A process that we have started: the system tells us of its end. */
  static started(processes: Processes, { pid, startTime, exited }: DetachedProcess): QemuProcess {
    return new QemuProcess(processes, { pid, startTime }, exited)
  }

  /** A process that another daemon has started: its end must be polled for. */
  static found(processes: Processes, identity: ProcessIdentity): QemuProcess {
    return new QemuProcess(processes, identity)
  }

  /** True when the system tells us of the end; otherwise `gone` polls. */
  get isOurs(): boolean {
    return this.#exited !== undefined
  }

  /** Resolves when the process is gone and its images are closed, with its exit status if we were its parent. */
  gone(): Promise<ExitStatus | undefined> {
    this.#gone ??= this.#exited ?? this.#processes.gone(this.identity).then(() => undefined)
    return this.#gone
  }

  /** Whether the process is gone within that time. */
  async goneWithin(ms: number, clock: Clock): Promise<boolean> {
    const late = new AbortController()
    const waiting = clock.sleep(ms, late.signal).then(
      () => false,
      () => false,
    )
    return Promise.race([this.gone().then(() => true), waiting]).finally(() => late.abort())
  }

  /** Ends the process at once; another process that has its number now is left alone. */
  async kill(): Promise<void> {
    await this.#processes.signal(this.identity, 'SIGKILL')
  }
}
