import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderBusyError } from '../folder-lock.ts'
import { holderIn } from './node-folder-locks.ts'
import { nodeOs } from './node-os.ts'

const { locks } = nodeOs()
const program = join(import.meta.dirname, '../testing/take-lock.ts')
const node = [process.execPath, '--conditions=@cloister/source', program]
let folder: string
let children: ChildProcess[] = []

beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'cloister-lock-'))
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await fs.rm(folder, { recursive: true })
})

/** Another process that tries to take the lock, and keeps it until it is killed; resolves to what it says. */
async function other(prefix: readonly string[] = []): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const [command = '', ...args] = [...prefix, ...node, folder]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  for await (const said of createInterface({ input: child.stdout })) return { child, said }
  return { child, said: 'nothing' }
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

describe('the lock of a folder', () => {
  it('has one holder, in this process too, until it is released', async () => {
    const lock = await locks.take(folder)
    await expect(locks.take(folder)).rejects.toThrow(FolderBusyError)
    await expect(nodeOs().locks.take(folder)).rejects.toThrow(`process ${process.pid}`)
    await lock.release()
    await lock.release()
    const again = await locks.take(folder)
    await again.release()
  })

  it('keeps another process out, which is told who has it', async () => {
    const lock = await locks.take(folder)
    expect((await other()).said).toBe(`busy ${process.pid}`)
    await lock.release()
    expect((await other()).said).toBe('taken')
  })

  it('ends with its process, also when that is killed', async () => {
    const { child, said } = await other()
    expect(said).toBe('taken')
    const error = await locks.take(folder).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ pid: child.pid, message: expect.stringContaining('Stop that daemon first') })
    await killed(child)
    await (await locks.take(folder)).release()
  })

  it('is not given up while another lock is taken, refused and released', async () => {
    const second = join(folder, 'second')
    await fs.mkdir(second)
    const [lock, inner] = [await locks.take(folder), await locks.take(second)]
    await expect(locks.take(folder)).rejects.toThrow(FolderBusyError)
    await inner.release()
    expect((await other()).said).toBe(`busy ${process.pid}`)
    await lock.release()
  })

  it('goes to one of many processes that try at once', async () => {
    const tries = await Promise.all(Array.from({ length: 6 }, () => other()))
    const said = tries.map((each) => each.said.split(' ')[0])
    expect(said.filter((word) => word === 'taken')).toHaveLength(1)
    expect(said.filter((word) => word === 'busy')).toHaveLength(5)
    const winner = tries.find((each) => each.said === 'taken')
    if (winner) await killed(winner.child)
    await (await locks.take(folder)).release()
  })

  it('goes to one of many that try at once in this process', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => locks.take(folder)))
    const won = results.filter((result) => result.status === 'fulfilled')
    expect(won).toHaveLength(1)
    for (const { value } of won) await value.release()
  })

  it('counts in another pid namespace', async () => {
    const apart = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
    const probe = spawn('unshare', ['--pid', '--fork', '--mount-proc', 'true'])
    const [status] = await once(probe, 'exit')
    if (status !== 0) return console.warn('skipped: this user may not make a pid namespace')
    const lock = await locks.take(folder)
    expect((await other(apart)).said).toBe('busy undefined')
    await lock.release()
    const { child, said } = await other(apart)
    expect(said).toBe('taken')
    await expect(locks.take(folder)).rejects.toThrow(FolderBusyError)
    await killed(child)
    await expect
      .poll(() =>
        locks.take(folder).then(
          (taken) => taken.release(),
          () => 'busy',
        ),
      )
      .toBeUndefined()
  })

  it('is no file that others planted', async () => {
    await fs.mkdir(join(folder, '.cloister'), { mode: 0o700 })
    await fs.writeFile(join(folder, 'victim'), 'x')
    await fs.symlink(join(folder, 'victim'), join(folder, '.cloister/lock'))
    await expect(locks.take(folder)).rejects.toThrow('is not a file of its own')
    await fs.rm(join(folder, '.cloister'), { recursive: true })
    await fs.symlink(folder, join(folder, '.cloister'))
    await expect(locks.take(folder)).rejects.toThrow('is a symbolic link')
    await expect(locks.take(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('leaves the folder as small as it was', async () => {
    const lock = await locks.take(folder)
    expect(await fs.readdir(join(folder, '.cloister'))).toEqual(['lock'])
    expect((await fs.stat(join(folder, '.cloister/lock'))).size).toBe(0)
    await lock.release()
  })
})

describe("the kernel's list of locks", () => {
  it('names the process that has a database', () => {
    const list = [
      '1: FLOCK  ADVISORY  WRITE 11 fd:00:99 0 EOF',
      '2: POSIX  ADVISORY  READ  12 fd:00:99 1073741826 1073742335',
      '3: POSIX  ADVISORY  WRITE 13 fd:00:98 1073741824 1073742335',
      '4: POSIX  ADVISORY  WRITE 14 fd:00:99 1073741825 1073742335',
      '4: -> POSIX  ADVISORY  WRITE 15 fd:00:99 1073741825 1073742335',
    ]
    expect(holderIn(list.join('\n'), { inode: 99n })).toBe(14)
    expect(holderIn('5: POSIX  ADVISORY  WRITE 0 fd:00:99 1073741826 1073742335', { inode: 99n })).toBeUndefined()
    expect(holderIn('', { inode: 99n })).toBeUndefined()
  })
})
