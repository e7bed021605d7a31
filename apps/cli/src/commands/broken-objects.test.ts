import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../../tests/support/cloisterd.ts'
import { exitStatus } from '../exit-status.ts'
import { Cli } from '../testing/cli.ts'
import { FakeDaemon } from '../testing/fake-daemon.ts'

// One object that cannot be read is shown as such; the others are shown as they are.

const domains = ['dom0 class=AdminVM state=Running', 'bad class=AppVM state=Halted', 'good class=AppVM state=Halted']
const noLabel = '2\0QubesLabelNotFoundError\0\0There is no label pink\0'

function property(name: string, value: string): string {
  return `${name} default=False type=${name === 'label' ? 'label' : 'vm'} ${value}`
}

/** A system with one domain whose label is gone, and one pool whose folder is gone. */
function damaged(): Promise<FakeDaemon> {
  return FakeDaemon.start((method, { argument, destination }) => {
    const isBad = destination === 'bad'
    switch (method) {
      case 'admin.vm.List':
        return `0\0${domains.map((line, at) => `${line} uuid=00000000-0000-0000-0000-00000000000${at}\n`).join('')}`
      case 'admin.vm.property.GetAll':
        return isBad ? noLabel : `0\0${property('label', 'red')}\n${property('template', 'base')}\n`
      case 'admin.vm.property.Get':
        return argument === 'label'
          ? noLabel
          : argument === 'template'
            ? '0\0default=False type=vm base'
            : '2\0QubesNoSuchPropertyError\0\0no such property\0'
      case 'admin.vm.tag.List':
        return isBad ? '2\0QubesException\0\0the tags are damaged\0' : '0\0office\n'
      default:
        return '2\0QubesException\0\0not served\0'
    }
  })
}

describe('cloister ls', () => {
  it('marks what it cannot read of one domain, and tells why', async () => {
    await using daemon = await damaged()
    const cli = new Cli(daemon.socket)
    const { status, stdout, stderr } = await cli.run(['ls', '-c', 'name,label,template'])
    expect(stdout).toBe('NAME  LABEL  TEMPLATE\ndom0  red    base\nbad   ?      base\ngood  red    base\n')
    expect(stderr).toBe('cloister: bad: There is no label pink; `cloister label ls` shows the labels\n')
    expect(status).toBe(exitStatus.notFound)
  })

  it('gives programs null for it, and the reason as JSON', async () => {
    await using daemon = await damaged()
    const { status, stdout, stderr } = await new Cli(daemon.socket).run(['ls', '--json', '-c', 'name,label', 'bad'])
    expect(JSON.parse(stdout)).toEqual([{ name: 'bad', label: null }])
    expect(JSON.parse(stderr)).toMatchObject({ error: { type: 'QubesLabelNotFoundError', domain: 'bad' } })
    expect(status).toBe(exitStatus.notFound)
  })

  it('does not leave out a domain whose tags it cannot read', async () => {
    await using daemon = await damaged()
    const { stdout } = await new Cli(daemon.socket).run(['ls', '--no-header', '-c', 'name,tags', '--tag', 'office'])
    expect(stdout).toBe('dom0  office\nbad   ?\ngood  office\n')
  })
})

describe('a pool whose folder is away', () => {
  let daemon: Cloisterd
  let cli: Cli

  beforeAll(async () => {
    daemon = await Cloisterd.start()
    cli = new Cli(daemon.socket)
    const folder = join(daemon.folder, 'disk')
    await mkdir(folder, { mode: 0o700 })
    await cli.ok('pool', 'add', 'big', 'file', '--set', `dir_path=${folder}`)
    await cli.ok('create', 'base', '--class', 'TemplateVM')
    await cli.ok('create', 'near', '-t', 'base')
    await cli.ok('create', 'far', '-t', 'base', '--volume-pool', 'private=big')
    await daemon.stop()
    await rename(folder, `${folder}.away`)
    daemon = await Cloisterd.start({ folder: daemon.folder })
  })
  afterAll(() => daemon.remove())

  it('keeps neither the volumes of other pools nor those of its own from the list', async () => {
    const { status, stdout, stderr } = await cli.run(['volume', 'ls', '-c', 'domain,volume,size,pool'])
    expect(status).not.toBe(0)
    expect(stdout).toMatch(/^near +private +2\.0 GiB +varlibqubes$/m)
    expect(stdout).toMatch(/^far +root +\S+ \S+ +varlibqubes$/m)
    expect(stdout).toMatch(/^far +private +\? +\?$/m)
    expect(stderr).toMatch(/^cloister: far:private: .*\n$/)
  })
})
