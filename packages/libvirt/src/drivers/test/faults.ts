import type { Driver } from '../../driver.ts'

/** Calls of a driver that can be made to fail or to wait. */
export type Operation = Exclude<
  keyof Driver,
  | 'uri'
  | 'type'
  | 'closed'
  | 'devices'
  | 'networks'
  | 'storagePools'
  | 'streams'
  | 'connectClose'
  | 'connectDomainEventRegister'
>

/** A call that has been made to wait. */
export interface HeldOperation {
  /** Resolves when the call has been made and waits. */
  readonly reached: Promise<void>
  /** Ends the wait of the call. */
  release(): void
}

/** Failures and waits that a test has planned; each is for one call of an operation, in the order in which they were planned. */
export class Faults {
  readonly #plans = new Map<Operation, (() => Promise<void>)[]>()
  readonly #failAll = Promise.withResolvers<never>()
  #failed: Error | undefined

  constructor() {
    // A rejection that no call waits for must not end the process.
    this.#failAll.promise.catch(() => {})
  }

  /** The next call of that operation fails before it changes anything. */
  failNext(operation: Operation, error: Error): void {
    this.#plan(operation, () => Promise.reject(error))
  }

  /** The next call of that operation waits before it changes anything; so do later operations on the same domain. */
  holdNext(operation: Operation): HeldOperation {
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    this.#plan(operation, () => {
      reached.resolve()
      return released.promise
    })
    return { reached: reached.promise, release: () => released.resolve() }
  }

  /** Every call fails from now on, also those that wait. */
  failAll(error: Error): void {
    this.#failed = error
    this.#failAll.reject(error)
  }

  /** Fails or waits, if that is planned for this call. */
  async meet(operation: Operation): Promise<void> {
    if (this.#failed) throw this.#failed
    const plan = this.#plans.get(operation)?.shift()
    if (plan) await Promise.race([plan(), this.#failAll.promise])
  }

  #plan(operation: Operation, plan: () => Promise<void>): void {
    const plans = this.#plans.get(operation) ?? []
    plans.push(plan)
    this.#plans.set(operation, plans)
  }
}
