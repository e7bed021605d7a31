import { msg } from '@cloister/kit'
import {
  type Command,
  type DetachedProcess,
  ProcessError,
  type Processes,
  type ProcessIdentity,
  type RunOptions,
  type RunResult,
} from '../processes.ts'

/** A fake program: gets the arguments and does the work of the program. */
export type FakeProgram = (args: readonly string[], options: RunOptions) => Promise<Partial<RunResult>>

/** Processes of a modelled machine: the only programs are the fakes of a test, the only process is the own one. */
export class ModelledProcesses implements Processes {
  readonly #fakes = new Map<string, FakeProgram>()
  #generation = 1

  fake(program: string, fake: FakeProgram): void {
    this.#fakes.set(program, fake)
  }

  /** Replaces the own process by another one, as after a restart: same pid, later start. */
  renew(): void {
    this.#generation++
  }

  async run(command: Command, options: RunOptions = {}): Promise<RunResult> {
    const [program, ...args] = command
    const fake = this.#fakes.get(program)
    if (!fake) throw new ProcessError(msg`Cannot run ${program}: there is no such program here`, { command })
    return { stdout: new Uint8Array(), stderr: '', ...(await fake(args, options)) }
  }

  async startDetached(command: Command): Promise<DetachedProcess> {
    throw new ProcessError(msg`Cannot start ${command[0]}: there are no processes here`, { command })
  }

  async identify(pid: number): Promise<ProcessIdentity | undefined> {
    return pid === process.pid ? { pid, startTime: String(this.#generation) } : undefined
  }

  async signal(): Promise<boolean> {
    return false
  }

  async gone(): Promise<void> {}

  async find(program: string): Promise<string | undefined> {
    return this.#fakes.has(program) ? `/usr/bin/${program}` : undefined
  }
}
