import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeOs, ProcessError } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { make, unmake } from '../compat/make.ts'
import { manifestPath, writeManifest } from '../compat/manifest.ts'
import { itemName } from '../compat/plan.ts'
import { planRemove, type RemoveStep, remove } from '../compat/remove.ts'
import { exitStatus } from '../exit-status.ts'
import { Cli } from '../testing/cli.ts'

const cli = new Cli('/nowhere/qubesd.sock')
let root = ''

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'compat-'))
})
afterEach(() => rm(root, { recursive: true }))

/** Every path below the root, with its kind. */
async function tree(): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name)
    const shown = path.slice(root.length)
    if (entry.isSymbolicLink()) return `${shown} -> ${await readlink(path)}`
    return `${shown}${entry.isDirectory() ? '/' : ''}`
  })
  return (await Promise.all(lines)).toSorted()
}

const install = ['compat', 'install', '--command', '/usr/bin/cloister'] as const

describe('cloister compat install', () => {
  it('makes what the tools look for', async () => {
    const said = await cli.ok(...install, '--root', root)
    expect(await tree()).toEqual([
      '/etc/',
      '/etc/cloister/',
      '/etc/cloister/backup/',
      '/etc/cloister/qubes-compat.json',
      '/etc/qubes-release',
      '/etc/qubes-rpc/',
      '/etc/qubes-rpc/admin.vm.Console',
      '/etc/qubes-rpc/admin.vm.volume.Import',
      '/etc/qubes-rpc/admin.vm.volume.ImportWithSize -> admin.vm.volume.Import',
      '/etc/qubes/',
      '/etc/qubes/backup -> /etc/cloister/backup',
      '/etc/tmpfiles.d/',
      '/etc/tmpfiles.d/cloister-qubes.conf',
      '/run/',
      '/run/qubesd.internal.sock -> /run/cloister/qubesd.internal.sock',
      '/run/qubesd.misc.sock -> /run/cloister/qubesd.misc.sock',
      '/run/qubesd.sock -> /run/cloister/qubesd.sock',
      '/usr/',
      '/usr/bin/',
      '/usr/bin/qrexec-client-vm',
      '/usr/bin/qvm-appmenus',
      '/usr/lib/',
      '/usr/lib/qubes/',
      '/usr/lib/qubes/qrexec-client',
      '/usr/lib/sysusers.d/',
      '/usr/lib/sysusers.d/cloister-qubes.conf',
    ])
    expect(said).toContain('made      /etc/qubes-release\n')
    expect(await readFile(join(root, 'etc/qubes-rpc/admin.vm.Console'), 'utf8')).toContain(
      `exec '/usr/bin/cloister' --socket '/run/cloister/qubesd.sock' compat serve "\${0##*/}" "$@"`,
    )
    const { mode } = await stat(join(root, 'etc/qubes-rpc/admin.vm.Console'))
    expect(mode & 0o777).toBe(0o755)
  })

  it('may be done again, and brings up to date what it made', async () => {
    await cli.ok(...install, '--root', root)
    const before = await tree()
    const again = (await cli.json(...install, '--root', root)) as { action: string }[]
    expect(new Set(again.map(({ action }) => action))).toEqual(new Set(['present']))
    expect(await tree()).toEqual(before)
    await cli.ok(...install, '--root', root, '--run', '/srv/run')
    expect(await readlink(join(root, 'run/qubesd.sock'))).toBe('/srv/run/qubesd.sock')
    await cli.ok('compat', 'remove', '--root', root)
    expect(await tree()).toEqual([])
  })

  it('only says what it would do when that is all that is wanted', async () => {
    expect(await cli.ok(...install, '--root', root, '--dry-run')).toContain('would make     /etc/qubes-release\n')
    expect(await tree()).toEqual([])
  })

  it.each([
    ['a file of another program', (path: string) => writeFile(path, 'Qubes release 4.2 (R4.2)\n')],
    ['a folder', (path: string) => mkdir(path)],
    ['a link to somewhere else', (path: string) => symlink('/etc/os-release', path)],
  ])('changes nothing when there is %s in the way', async (_, occupy) => {
    await mkdir(join(root, 'etc'))
    await occupy(join(root, 'etc/qubes-release'))
    const before = await tree()
    expect(await cli.fails(...install, '--root', root)).toEqual({
      status: exitStatus.state,
      stderr:
        "cloister: /etc/qubes-release is there and is not Cloister's; nothing was changed; move that away first\n",
    })
    expect(await tree()).toEqual(before)
  })

  it('changes nothing on a system whose own daemon is there', async () => {
    await mkdir(join(root, 'run'))
    const server = createServer().listen(join(root, 'run/qubesd.sock'))
    try {
      expect(await cli.fails(...install, '--root', root)).toMatchObject({ status: exitStatus.state })
    } finally {
      server.close()
    }
    await mkdir(join(root, 'var/lib/qubes'), { recursive: true })
    await writeFile(join(root, 'var/lib/qubes/qubes.xml'), '<qubes/>')
    const refused = await cli.fails(...install, '--root', root)
    expect(refused.stderr).toContain('this is a Qubes OS already')
  })

  it('does not replace a file that was changed since', async () => {
    await cli.ok(...install, '--root', root)
    const path = join(root, 'etc/qubes-rpc/admin.vm.Console')
    await writeFile(path, '#!/bin/sh\necho mine\n')
    expect(await cli.fails(...install, '--root', root)).toMatchObject({ status: exitStatus.state })
    expect(await cli.ok('compat', 'remove', '--root', root)).toContain(
      'kept     /etc/qubes-rpc/admin.vm.Console: it was changed since\n',
    )
    expect(await tree()).toEqual(['/etc/', '/etc/qubes-rpc/', '/etc/qubes-rpc/admin.vm.Console'])
  })

  it('continues an installation that was interrupted', async () => {
    await cli.ok(...install, '--root', root)
    const whole = await tree()
    await rm(join(root, 'etc/qubes-rpc/admin.vm.Console'))
    await rm(join(root, 'run/qubesd.sock'))
    await writeFile(join(root, 'etc/qubes-release.cloister-new'), 'Qub')
    await rm(join(root, 'etc/qubes-release'))
    await cli.ok(...install, '--root', root)
    expect(await tree()).toEqual(whole)
  })

  it('refuses paths that shells or services would take apart', async () => {
    expect(await cli.fails('compat', 'install', '--root', root, '--command', 'bin/cloister')).toMatchObject({
      status: exitStatus.usage,
    })
    expect(await cli.fails('compat', 'install', '--root', root, '--run', '/run/a b')).toMatchObject({
      status: exitStatus.usage,
    })
  })
})

describe('cloister compat remove', () => {
  it('removes what an interrupted installation left', async () => {
    await cli.ok(...install, '--root', root)
    await writeFile(join(root, 'etc/qubes-release.cloister-new'), 'Qub')
    await cli.ok('compat', 'remove', '--root', root)
    expect(await tree()).toEqual([])
  })

  it('removes exactly what was made', async () => {
    await mkdir(join(root, 'etc/qubes-rpc'), { recursive: true })
    await writeFile(join(root, 'etc/qubes-rpc/qubes.Mine'), '#!/bin/sh\n')
    const before = await tree()
    await cli.ok(...install, '--root', root)
    const said = await cli.ok('compat', 'remove', '--root', root, '--dry-run')
    expect(said).toContain('would remove  /etc/qubes-release\n')
    await cli.ok('compat', 'remove', '--root', root)
    expect(await tree()).toEqual(before)
    expect(await cli.json('compat', 'remove', '--root', root)).toEqual([])
  })

  it('keeps a folder in which there is something', async () => {
    await cli.ok(...install, '--root', root)
    await writeFile(join(root, 'etc/cloister/backup/daily.conf'), 'include: null\n')
    const steps = (await cli.json('compat', 'remove', '--root', root)) as { item: string; action: string }[]
    expect(steps.find(({ item }) => item === '/etc/cloister/backup')).toMatchObject({
      action: 'kept',
      why: 'there is something in it',
    })
    expect(await tree()).toEqual([
      '/etc/',
      '/etc/cloister/',
      '/etc/cloister/backup/',
      '/etc/cloister/backup/daily.conf',
    ])
  })

  it.each([
    ['no JSON', 'nonsense'],
    ['of another version', '{"version":2,"made":[]}'],
    ['with paths that lead elsewhere', '{"version":1,"made":[{"kind":"file","path":"/etc/../../x","digest":"00"}]}'],
    ['with what cannot be made', '{"version":1,"made":[{"kind":"device","path":"/dev/null"}]}'],
    ['with a group that is none', '{"version":1,"made":[{"kind":"group","name":"--help"}]}'],
  ])('does nothing with a record that is %s', async (_, content) => {
    await mkdir(join(root, 'etc/cloister'), { recursive: true })
    await writeFile(join(root, manifestPath), content)
    expect(await cli.fails('compat', 'remove', '--root', root)).toMatchObject({
      status: exitStatus.failure,
      stderr: expect.stringContaining('is not a record of what was made'),
    })
  })
})

describe('helper programs', () => {
  const program = async (path: string, ...args: string[]): Promise<number | undefined> => {
    const error: unknown = await nodeOs()
      .processes.run([join(root, path), ...args])
      .then(
        () => undefined,
        (reason: unknown) => reason,
      )
    if (error === undefined) return 0
    if (!(error instanceof ProcessError)) throw error
    expect(error.stderr).toContain('Cloister')
    return error.status?.code ?? undefined
  }

  it('let qvm-clone copy the menus that there are, and fail where nothing is served', async () => {
    await cli.ok(...install, '--root', root)
    expect(await program('usr/bin/qvm-appmenus', '--init', '--update', '--source', 'work', 'copy')).toBe(0)
    expect(await program('usr/bin/qvm-appmenus', '--get-available', 'work')).toBe(1)
    expect(await program('usr/bin/qvm-appmenus')).toBe(1)
    expect(await program('usr/bin/qrexec-client-vm', 'dom0', 'admin.vm.List')).toBe(127)
    expect(await program('usr/lib/qubes/qrexec-client', '-d', 'work', 'user:true')).toBe(127)
  })
})

describe('the system that runs', () => {
  const account = (name: string, members = ''): string => `${name}:x:960:${members}\n`
  const actions = (steps: readonly RemoveStep[]): string[] =>
    steps.map(({ item, action, why }) => `${action} ${itemName(item)}${why === undefined ? '' : `: ${why}`}`)

  beforeEach(async () => {
    await mkdir(join(root, 'etc/cloister'), { recursive: true })
    await writeManifest(root, [
      { kind: 'group', name: 'qubes' },
      { kind: 'member', group: 'qubes', user: 'alice' },
    ])
  })

  it.each([
    [
      'with its own member only',
      account('qubes', 'alice'),
      '',
      ['remove member alice of group qubes', 'remove group qubes'],
    ],
    [
      'with another member',
      account('qubes', 'bob,alice'),
      '',
      ['remove member alice of group qubes', 'kept group qubes: bob is a member of it'],
    ],
    ['that is gone', '', '', ['gone member alice of group qubes', 'gone group qubes']],
    [
      'that a comment names',
      account('qubes'),
      '# group = "qubes"\n',
      ['gone member alice of group qubes', 'remove group qubes'],
    ],
    [
      'that the configuration names',
      account('qubes', 'alice'),
      'group = "qubes"\n',
      [
        'kept member alice of group qubes: /etc/cloister/cloister.toml names the group',
        'kept group qubes: /etc/cloister/cloister.toml names the group',
      ],
    ],
  ])('keeps or loses a group %s', async (_, groups, configuration, expected) => {
    await writeFile(join(root, 'etc/group'), groups)
    await writeFile(join(root, 'etc/cloister/cloister.toml'), configuration)
    expect(actions(await planRemove(root))).toEqual(expected)
  })

  it('keeps a group that is the primary group of a user', async () => {
    await writeFile(join(root, 'etc/group'), account('qubes', 'alice'))
    await writeFile(join(root, 'etc/passwd'), 'carol:x:1001:960::/home/carol:/bin/sh\n')
    expect(actions(await planRemove(root))).toContain('kept group qubes: carol is a member of it')
  })

  it('still knows a group that was kept, and removes it when it is not needed any more', async () => {
    await writeFile(join(root, 'etc/group'), account('qubes', 'bob'))
    expect(actions(await remove(root, await planRemove(root)))).toContain('kept group qubes: bob is a member of it')
    await writeFile(join(root, 'etc/group'), account('qubes'))
    expect(actions(await planRemove(root))).toEqual(['remove group qubes'])
  })

  it('changes its groups by the programs for that', async () => {
    const calls = join(root, 'calls')
    for (const name of ['groupadd', 'groupdel', 'gpasswd']) {
      await writeFile(join(root, name), `#!/bin/sh\necho ${name} "$@" >>'${calls}'\n`)
      await chmod(join(root, name), 0o755)
    }
    const path = process.env['PATH']
    process.env['PATH'] = `${root}:${path}`
    try {
      await make('/', { kind: 'group', name: 'qubes' }, false)
      await make('/', { kind: 'member', group: 'qubes', user: 'alice' }, false)
      await unmake('/', { kind: 'member', group: 'qubes', user: 'alice' })
      await unmake('/', { kind: 'group', name: 'qubes' })
    } finally {
      process.env['PATH'] = path
    }
    expect((await readFile(calls, 'utf8')).split('\n')).toEqual([
      'groupadd --system qubes',
      'gpasswd --add alice qubes',
      'gpasswd --delete alice qubes',
      'groupdel qubes',
      '',
    ])
  })
})
