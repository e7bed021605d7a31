import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, nodeOs, ProcessError } from '@cloister/os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The preparation runs in a copy of the checkout that shares the installed packages and the kernel, and has no guest yet. In PATH
// it finds only the programs that it needs; npm is not among them, because it would empty the shared folder of packages.

const { processes } = nodeOs()
const project = fileURLToPath(new URL('../..', import.meta.url))
const prepareMs = 60_000
const programs = ['flock', 'qemu-system-x86_64', 'qemu-system-aarch64', 'qemu-img', 'busybox', 'xz', 'dpkg-deb']
let copy = ''

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'prepare-'))
  await chmod(copy, 0o777)
  await mkdir(join(copy, '.cache'))
  await chmod(join(copy, '.cache'), 0o777)
  for (const name of ['scripts', 'package.json', 'package-lock.json']) {
    await cp(join(project, name), join(copy, name), { recursive: true })
  }
  await symlink(join(project, 'node_modules'), join(copy, 'node_modules'))
  await symlink(join(project, '.cache/kernel'), join(copy, '.cache/kernel'))
  await linkPrograms('programs', programs)
})
afterAll(() => rm(copy, { recursive: true }))

/** A folder of the copy for PATH, with links to those of the programs that the machine has. */
async function linkPrograms(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(join(copy, folder))
  for (const name of names) {
    const path = await processes.find(name)
    if (path) await symlink(path, join(copy, folder, name))
  }
}

async function prepare(profile: string): Promise<string[]> {
  const command: Command = [process.execPath, join(copy, 'scripts/prepare.mjs'), profile]
  const { stdout } = await processes.run(command, { timeoutMs: prepareMs, env: { PATH: join(copy, 'programs') } })
  return Buffer.from(stdout).toString().trim().split('\n')
}

describe('preparation', () => {
  it('builds the guest once when two preparations start at the same time, and not again later', async () => {
    const both = await Promise.all([prepare('demo'), prepare('demo')])
    const lines = both.flat()
    expect(lines.filter((line) => line.startsWith('✓ guest image'))).toHaveLength(1)
    expect(lines.filter((line) => line === '✓ everything is ready')).toHaveLength(2)
    expect((await stat(join(copy, '.cache/guest/root.img'))).size).toBeGreaterThan(0)
    expect(await prepare('demo')).toEqual(['✓ everything is ready'])
  })

  it('refuses an unknown profile', async () => {
    await expect(prepare('everything')).rejects.toMatchObject({ status: { code: 2 } })
  })
})

describe.runIf(process.getuid?.() === 0 && existsSync('/usr/bin/apt-get'))(
  'preparation by a user who may not install',
  () => {
    it('prints the command that installs the missing packages, and stops', async () => {
      const bare = join(copy, 'bare')
      await mkdir(bare)
      for (const tool of ['flock', 'setpriv']) await symlink((await processes.find(tool)) ?? '', join(bare, tool))
      // The folder of this checkout, and of its Node, may be closed to other users.
      const node = join(copy, 'bare/node')
      await cp(process.execPath, node)
      const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const
      const failure = await processes
        .run([...nobody, node, join(copy, 'scripts/prepare.mjs'), 'demo'], {
          env: { PATH: join(copy, 'bare') },
        })
        .catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(ProcessError)
      expect(failure).toMatchObject({ status: { code: 3 } })
      expect((failure as ProcessError).stderr).toMatch(
        /^ {2}sudo apt-get update && sudo apt-get install -y --no-install-recommends qemu-system-\w+ qemu-utils busybox-static/m,
      )
    })
  },
)
