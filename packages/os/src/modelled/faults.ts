import { CannotCloneError, cannotCloneCodes } from '../files.ts'

/** A step of a modelled file system that changes something, as `trace` records it. */
export interface FileStep {
  readonly operation: string
  readonly path: string
  /** Name that a `rename` takes away. */
  readonly from?: string
}

/** A planned failure of a step. */
interface PlannedFailure {
  readonly operation: string
  readonly path: string | RegExp | undefined
  readonly code: string
  /** How many of these steps succeed before the failure. */
  spared: number
}

/** The modelled process is dead: its calls have no effect any more. */
export class ProcessDied extends Error {
  override readonly name: string = 'ProcessDied'
}

/** Planned faults: the death of the process between two steps, and errors of single operations. */
export class Faults {
  /** Every successful step so far. */
  readonly trace: FileStep[] = []
  #left = Number.POSITIVE_INFINITY
  #dead = false
  #planned: PlannedFailure[] = []

  get dead(): boolean {
    return this.#dead
  }

  /** Lets `count` more steps happen; the next one and everything after it throw `ProcessDied`. */
  dieAfter(count: number): void {
    this.#left = count
  }

  /** Makes an operation (on that path, or a path that matches) fail with a system error, after `spared` such operations that succeed. */
  failNext(operation: string, code: string, path?: string | RegExp, spared: number = 0): void {
    this.#planned.push({ operation, code, path, spared })
  }

  /** Starts a new process: drops all planned faults. */
  clear(): void {
    this.#dead = false
    this.#left = Number.POSITIVE_INFINITY
    this.#planned = []
  }

  /** @throws ProcessDied when the process is dead */
  look(): void {
    if (this.#dead) throw new ProcessDied('The process has died')
  }

  /** Called before each change. @throws the planned fault of the change */
  step(operation: string, path: string, from?: string): void {
    this.look()
    this.#fail(operation, path)
    if (this.#left-- <= 0) {
      this.#dead = true
      this.look()
    }
    this.trace.push({ operation, path, ...(from !== undefined && { from }) })
  }

  #fail(operation: string, path: string): void {
    const found = this.#planned.findIndex((plan) => plan.operation === operation && matches(plan.path, path))
    const plan = this.#planned[found]
    if (!plan || plan.spared-- > 0) return
    this.#planned.splice(found, 1)
    const error = systemError(plan.code, operation, path)
    if (operation === 'clone' && cannotCloneCodes.has(plan.code)) {
      throw new CannotCloneError(`cannot share blocks with ${path}`, { cause: error })
    }
    throw error
  }
}

/** An error as the machine throws it. */
export function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code, path })
}

function matches(wanted: string | RegExp | undefined, path: string): boolean {
  return wanted === undefined || (typeof wanted === 'string' ? wanted === path : wanted.test(path))
}
