import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** A source file and what it imports. */
export interface SourceFile {
  /** Relative to the checkout. */
  readonly path: string
  readonly imports: readonly Import[]
}

export interface Import {
  readonly from: string
  /** True for an import of types, which is removed before the program runs. */
  readonly typeOnly: boolean
}

const statement =
  /^(?:import|export)\s+(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gms

/** The source files below a folder that are published: without tests and helpers of tests. */
export async function shippedFiles(folder: string): Promise<SourceFile[]> {
  const entries = await readdir(join(root, folder, 'src'), { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/testing/'))
  return Promise.all(
    paths.map(async (path) => ({ path: relative(root, path), imports: importsOf(await readFile(path, 'utf8')) })),
  )
}

function importsOf(text: string): Import[] {
  return [...text.matchAll(statement)].map((match) => ({
    from: match[2] ?? match[3] ?? match[4] ?? '',
    typeOnly: match[1] !== undefined || onlyTypesNamed(match[0]),
  }))
}

/** True for `import { type A, type B } from …`, which is removed as well. */
function onlyTypesNamed(text: string): boolean {
  const names = /\{([^}]*)\}/s
    .exec(text)?.[1]
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return (
    names !== undefined &&
    names.length > 0 &&
    !/^(import|export)\s+\w+\s*,/.test(text) &&
    names.every((name) => name.startsWith('type '))
  )
}

/** Files that import each other in a circle at run time; undefined when there is no circle. */
export function runtimeCycle(files: readonly SourceFile[]): readonly string[] | undefined {
  const graph = new Map(
    files.map(({ path, imports }) => [
      path,
      imports
        .filter(({ typeOnly, from }) => !typeOnly && from.startsWith('.'))
        .map(({ from }) => relative(root, resolve(root, dirname(path), from))),
    ]),
  )
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const next of graph.get(path) ?? []) {
      const cycle = walk(next, [...trail, path])
      if (cycle) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const path of graph.keys()) {
    const cycle = walk(path, [])
    if (cycle) return cycle
  }
  return undefined
}
