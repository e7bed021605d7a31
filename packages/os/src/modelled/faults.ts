import { CannotCloneError, cannotCloneCodes } from '../files.ts'

/** A step of a modelled file system that changes something, as `trace` records it. */
export interface FileStep {
  readonly operation: string
  readonly path: string
  /** Name that a `rename` takes away. */
  readonly from?: string
}

/** A failure that waits for its step. */
interface PlannedFailure {
  readonly operation: string
  readonly path: string | RegExp | undefined
  readonly code: string
  /** So many of these steps succeed before. */
  spared: number
}

/** The modelled process is dead: nothing it still tries has any effect. */
export class ProcessDied extends Error {
  override readonly name: string = 'ProcessDied'
}

/** What goes wrong, and when: the death of the process between two steps, and errors of single operations. */
export class Faults {
  /** Every step so far, those that failed left out. */
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

  /** Makes the next such operation (on that path, or one that matches) fail with that system error, after `spared` that succeed. */
  failNext(operation: string, code: string, path?: string | RegExp, spared: number = 0): void {
    this.#planned.push({ operation, code, path, spared })
  }

  /** A new process: no death and no failure is planned. */
  clear(): void {
    this.#dead = false
    this.#left = Number.POSITIVE_INFINITY
    this.#planned = []
  }

  /** @throws ProcessDied when the process is dead */
  look(): void {
    if (this.#dead) throw new ProcessDied('The process has died')
  }

  /** Called before a change is made. @throws what is planned for it */
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
