import type { Driver, Subscription, TestDriver } from '@cloister/libvirt'
import { type Faults, type Files, overlaid } from '@cloister/os'

/** The driver as one daemon sees it; when this daemon ends, guests keep running. */
export function apart(driver: TestDriver): Driver {
  const subscriptions: Subscription[] = []
  const own: Partial<Driver> = {
    connectDomainEventRegister: (listener) => {
      const subscription = driver.connectDomainEventRegister(listener)
      subscriptions.push(subscription)
      return subscription
    },
    connectClose: async () => {
      for (const subscription of subscriptions) subscription.close()
    },
  }
  return overlaid<Driver>(driver, own)
}

/** Operations that do not count as steps: those that only read or close. */
const neverFail: ReadonlySet<string | symbol> = new Set(['connectDomainEventRegister', 'connectClose'])
const onlyLooks = /^(read|stat|list|space|resolve)$|^(connect|domain)(Get|List|Lookup|Is)/

/** `target`, of which operations that change something fail as planned; to `faults` the path of each is its first argument. */
export function faulty<T extends object>(target: T, faults: Faults): T {
  return new Proxy(target, {
    get: (_target, name) => {
      const operation: unknown = Reflect.get(target, name)
      if (typeof operation !== 'function' || neverFail.has(name)) return operation
      return async (...args: unknown[]): Promise<unknown> => {
        if (onlyLooks.test(String(name))) faults.look()
        else faults.step(String(name), String(args[0]))
        return operation.apply(target, args)
      }
    },
  })
}

/** Files that fail as planned, also those below a folder that is opened to work in. */
export function confinable(files: Files, faults: Faults): Files {
  return overlaid<Files>(faulty(files, faults), {
    confine: async (folder) => {
      faults.look()
      const confined = await files.confine(folder)
      return { files: confinable(confined.files, faults), close: () => confined.close() }
    },
  })
}

/** A driver whose connection a test can break. */
export interface Losable {
  readonly driver: Driver
  /** From now on every call fails with `error`, and no event arrives. */
  lose(error: Error): void
}

export function losable(driver: Driver): Losable {
  const closed = Promise.withResolvers<Error>()
  let lost: Error | undefined
  const guarded = new Proxy(driver, {
    get: (target, name) => {
      if (name === 'closed') return closed.promise
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        if (lost && name !== 'connectClose') return Promise.reject(lost)
        return value.apply(target, args)
      }
    },
  })
  const lose = (error: Error): void => {
    lost = error
    void driver.connectClose()
    closed.resolve(error)
  }
  return { driver: guarded, lose }
}
