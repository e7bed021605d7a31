import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { propertySet, vmCreate } from '@cloister/admin-protocol'
import { AdminClient } from '@cloister/client'
import { UnixTransport } from '@cloister/client/node'
import { type Command, nodeOs } from '@cloister/os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../support/cloisterd.ts'
import { root } from './source-files.ts'

// Packs the published packages, installs them in an empty folder, and runs the quick start of their README.

const { processes } = nodeOs()
const packages = ['kit', 'os', 'admin-protocol', 'client', 'libvirt']
const timeoutMs = 180_000
let folder = ''

async function run(...command: Command): Promise<string> {
  const { stdout } = await processes.run(command, { timeoutMs, outputLimit: 1 << 24 })
  return new TextDecoder().decode(stdout)
}

/** The first TypeScript block of a README. */
async function quickStart(name: string): Promise<string> {
  const text = await readFile(join(root, 'packages', name, 'README.md'), 'utf8')
  return /```ts\n(.*?)```/s.exec(text)?.[1] ?? ''
}

async function start(name: string, code: string): Promise<string> {
  const file = join(folder, `${name}.ts`)
  await writeFile(file, code)
  return run(process.execPath, file)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-'))
  // The packages are built here, because a build in the checkout may be older than the sources.
  await run(
    process.execPath,
    join(root, 'node_modules/typescript/bin/tsc'),
    '-b',
    '--force',
    ...packages.map((name) => join(root, 'packages', name)),
  )
  await mkdir(join(folder, 'packs'))
  for (const name of packages)
    await run('npm', 'pack', join(root, 'packages', name), '--pack-destination', join(folder, 'packs'))
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}')
  const files = packages.map((name) => join(folder, 'packs', `cloister-${name}-0.1.0.tgz`))
  await run('npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...files)
}, timeoutMs)

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('packed packages', () => {
  it('libvirt runs its quick start', async () => {
    expect(await start('libvirt', await quickStart('libvirt'))).toContain('work')
  })

  it('client runs its quick start', async () => {
    const daemon = await Cloisterd.start()
    try {
      const client = new AdminClient(new UnixTransport(daemon.socket))
      await client.call(vmCreate, {
        variant: 'TemplateVM',
        payload: { name: 'tpl', label: 'black', pool: undefined, pools: new Map() },
      })
      await client.call(propertySet, { argument: 'default_template', payload: 'tpl' })
      const code = (await quickStart('client')).replace('socketPaths().main', JSON.stringify(daemon.socket))
      expect(await start('client', code)).toContain("powerState: 'Running'")
    } finally {
      await daemon.remove()
    }
  })
})
