import { type Files, ModelledOs } from '@cloister/os'

/**
 * A modelled machine on which every call of the file system takes a number of turns of the event loop that `next`
 * gives, so that concurrent operations overlap in many ways. `watch` is called after each call.
 */
export function interleavedOs(next: () => number, watch: (files: ModelledOs['files']) => void): ModelledOs {
  const os = new ModelledOs({ folders: ['/pools'] })
  const { files: all } = os
  const wrap = (files: Files): Files =>
    new Proxy(files, {
      get: (target, name) => {
        const operation: unknown = Reflect.get(target, name)
        if (typeof operation !== 'function') return operation
        return async (...args: unknown[]): Promise<unknown> => {
          for (let turns = next(); turns > 0; turns--) await null
          const result: unknown = await operation.apply(target, args)
          watch(all)
          return name === 'confine'
            ? { files: wrap((result as { files: Files }).files), close: async () => {} }
            : result
        }
      },
    })
  return Object.assign(Object.create(os) as ModelledOs, { files: wrap(all) })
}
