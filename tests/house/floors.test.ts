import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { coreFloors, rooms } from './floors.ts'
import { root, runtimeCycle, shippedFiles } from './source-files.ts'

/** The package of an import: `@cloister/client` for `@cloister/client/node`. */
function packageOf(from: string): string {
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/')
}

describe('the packages', () => {
  it('are all listed with what they may import', async () => {
    const folders = await Promise.all(
      ['packages', 'apps'].map(async (floor) => (await readdir(join(root, floor))).map((name) => `${floor}/${name}`)),
    )
    expect(rooms.map(({ folder }) => folder).sort()).toEqual(folders.flat().sort())
  })

  describe.each(rooms)('$folder', ({ folder, ours, others, node }) => {
    it('imports only what the list allows', async () => {
      const wrong: string[] = []
      for (const { path, imports } of await shippedFiles(folder)) {
        for (const { from } of imports) {
          if (from.startsWith('.')) continue
          const mayUseNode = node === 'all' || node.some((part) => path.startsWith(`${folder}/src/${part}/`))
          if (from.startsWith('node:') ? !mayUseNode : ![...ours, ...others].includes(packageOf(from)))
            wrong.push(`${path}: ${from}`)
        }
      }
      expect(wrong).toEqual([])
    })

    it('imports other packages by name, and nothing outside its own folder by path', async () => {
      const files = await shippedFiles(folder)
      const depth = (path: string): number => path.slice(`${folder}/src/`.length).split('/').length - 1
      const out = files.flatMap(({ path, imports }) =>
        imports
          .filter(({ from }) => (from.match(/\.\.\//g) ?? []).length > depth(path))
          .map(({ from }) => `${path}: ${from}`),
      )
      expect(out).toEqual([])
    })

    it('names in package.json what it imports', async () => {
      const manifest = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as {
        dependencies?: Record<string, string>
      }
      const used = new Set(
        (await shippedFiles(folder))
          .flatMap(({ imports }) => imports.map(({ from }) => from))
          .filter((from) => !from.startsWith('.') && !from.startsWith('node:'))
          .map(packageOf),
      )
      expect(Object.keys(manifest.dependencies ?? {}).sort()).toEqual([...used].sort())
    })

    it('has no circle of imports at run time', async () => {
      expect(runtimeCycle(await shippedFiles(folder))).toBeUndefined()
    })
  })

  it('list every folder of core on one of its floors', async () => {
    const entries = await readdir(join(root, 'packages/core/src'), { withFileTypes: true })
    const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== 'testing')
    expect(folders.map(({ name }) => name).sort()).toEqual(coreFloors.flat().sort())
  })

  it('have no import inside core that leads up, nor across a floor', async () => {
    const floorOf = new Map(coreFloors.flatMap((folders, floor) => folders.map((folder) => [folder, floor] as const)))
    const folderOf = (path: string): string => /^packages\/core\/src\/([^/]+)\//.exec(path)?.[1] ?? ''
    const wrong = (await shippedFiles('packages/core')).flatMap(({ path, imports }) => {
      const own = folderOf(path)
      return imports
        .filter(({ from }) => from.startsWith('.'))
        .map(({ from }) => relative(root, resolve(root, dirname(path), from)))
        .filter((to) => {
          const folder = folderOf(to)
          return own !== '' && folder !== own && !((floorOf.get(folder) ?? Infinity) < (floorOf.get(own) ?? -1))
        })
        .map((to) => `${path} -> ${to}`)
    })
    expect(wrong).toEqual([])
  })

  it('have each runtime dependency explained in docs/dependencies.md', async () => {
    const page = await readFile(join(root, 'docs/dependencies.md'), 'utf8')
    const missing = rooms.flatMap(({ others }) => others).filter((name) => !page.includes(`\`${name}\``))
    expect(missing).toEqual([])
  })
})
