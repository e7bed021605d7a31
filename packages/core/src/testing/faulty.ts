import type { Driver, Subscription, TestDriver } from '@cloister/libvirt'
import type { Faults, Files } from '@cloister/os'

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

/** `target`, with some of its members replaced. */
export function overlaid<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get: (_target, name) => {
      const value: unknown = Reflect.get(name in own ? own : target, name)
      return typeof value === 'function' ? value.bind(target) : value
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
