import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8, utf8Text } from '@cloister/kit'
import { afterAll, describe, expect, it } from 'vitest'
import { UnsafeFileError } from '../files.ts'
import { ProcessError } from '../processes.ts'
import { NodeProcesses } from './node-processes.ts'

const processes = new NodeProcesses()
const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-processes-'))
afterAll(() => fs.rm(folder, { recursive: true }))

describe('programs that run to their end', () => {
  it('get arguments, input and environment as they are', async () => {
    const { stdout, stderr } = await processes.run(
      ['sh', '-c', 'cat; echo "$1 $LC_ALL $X"; echo warned >&2', 'sh', '$HOME;'],
      {
        input: utf8('in\n'),
        env: { X: 'y' },
      },
    )
    expect(utf8Text(stdout)).toBe('in\n$HOME; C.UTF-8 y\n')
    expect(stderr).toBe('warned\n')
  })

  it('fail with what they said', async () => {
    const failed = processes.run(['sh', '-c', 'echo no such disk >&2; exit 3'])
    await expect(failed).rejects.toThrow('sh failed with exit status 3: no such disk')
    await expect(failed).rejects.toMatchObject({ status: { code: 3, signal: null }, stderr: 'no such disk\n' })
    await expect(processes.run(['sh', '-c', 'kill -TERM $$'])).rejects.toThrow('sh was ended by SIGTERM')
    await expect(processes.run(['cloister-no-such-program'])).rejects.toThrow(
      'Cannot run cloister-no-such-program: is not installed or not in PATH',
    )
  })

  it('are ended when they take too long or print too much', async () => {
    await expect(processes.run(['sleep', '60'], { timeoutMs: 50 })).rejects.toThrow('sleep took longer than 50 ms')
    await expect(processes.run(['yes'], { outputLimit: 100_000 })).rejects.toThrow('yes printed more than 100000 bytes')
    const { message } = await processes
      .run(['sh', '-c', 'yes error | head -c 100000 >&2; exit 1'])
      .catch((error: ProcessError) => error)
      .then((error) => (error instanceof ProcessError ? error : expect.fail('it should fail')))
    expect(message.length).toBeLessThan(2200)
  })

  it('can be called off, before and while they run', async () => {
    const controller = new AbortController()
    const running = processes.run(['sleep', '60'], { signal: controller.signal })
    controller.abort()
    await expect(running).rejects.toThrow('sleep was cancelled')
    await expect(processes.run(['sleep', '60'], { signal: controller.signal })).rejects.toThrow('was cancelled')
  })

  it('inherit files, and may end with a status that is no failure', async () => {
    const [source, target] = [join(folder, 'inherited'), join(folder, 'written')]
    await fs.writeFile(source, 'content')
    await fs.writeFile(target, '')
    const inherit = [
      { path: source, access: 'read' },
      { path: target, access: 'readwrite' },
    ] as const
    await processes.run(['sh', '-c', 'cat <&3 >&4; exit 3'], { inherit, accept: [3] })
    expect(await fs.readFile(target, 'utf8')).toBe('content')
    await expect(processes.run(['sh', '-c', 'echo >&3'], { inherit })).rejects.toThrow('sh failed')
    await expect(processes.run(['true'], { inherit: [{ path: `${source}-not`, access: 'read' }] })).rejects.toThrow(
      'ENOENT',
    )
  })

  it('need not read their input', async () => {
    expect(await processes.run(['true'], { input: new Uint8Array(1 << 20) })).toMatchObject({ stderr: '' })
  })
})

describe('detached programs', () => {
  it('have a session of their own, a log and inherited files', async () => {
    const [log, data] = [join(folder, 'log'), join(folder, 'data')]
    await fs.writeFile(data, 'inherited')
    const script = `cat <&3; echo " $X \${HOME-nothing}"; cut -d" " -f6 /proc/$$/stat; echo $$ >&2`
    const inherit = [{ path: data, access: 'read' }] as const
    const { pid, exited } = await processes.startDetached(['sh', '-c', script], { log, inherit, env: { X: 'y' } })
    expect(await exited).toEqual({ code: 0, signal: null })
    expect(await fs.readFile(log, 'utf8')).toBe(`inherited y nothing\n${pid}\n${pid}\n`)
    expect((await fs.stat(log)).mode & 0o777).toBe(0o600)
  })

  it('are known by pid and start time, and end when told', async () => {
    const started = await processes.startDetached(['sleep', '60'], { log: join(folder, 'sleep') })
    const { pid, startTime } = started
    expect(await processes.identify(pid)).toEqual({ pid, startTime })
    expect(await processes.signal({ pid, startTime: '1' }, 'SIGKILL')).toBe(false)
    const controller = new AbortController()
    const waiting = processes.gone(started, controller.signal)
    controller.abort(new Error('called off'))
    await expect(waiting).rejects.toThrow()
    const gone = processes.gone(started)
    expect(await processes.signal(started, 'SIGTERM')).toBe(true)
    await gone
    expect(await started.exited).toEqual({ code: null, signal: 'SIGTERM' })
    expect(await processes.identify(pid)).toBeUndefined()
    expect(await processes.signal(started, 'SIGTERM')).toBe(false)
  })

  it('are not gone while a thread of theirs is left', async ({ skip }) => {
    if (!(await processes.find('python3'))) return skip('python3 is not installed')
    // Its first thread ends (system call 60 or 93 of the architecture), another one waits until it is told to end.
    const number = process.arch === 'x64' ? 60 : 93
    const code = `import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).syscall(${number}, 0)`
    const started = await processes.startDetached(['python3', '-c', code], { log: join(folder, 'threads.log') })
    const state = (): Promise<string> => fs.readFile(`/proc/${started.pid}/stat`, 'latin1')
    await expect.poll(state, { timeout: 20_000 }).toMatch(/\) Z /)
    expect(await processes.identify(started.pid)).toMatchObject({ pid: started.pid })
    expect(await processes.signal(started, 'SIGKILL')).toBe(true)
    await processes.gone(started)
  })

  it('cannot be started when they are missing', async () => {
    const options = { log: join(folder, 'none') }
    await expect(processes.startDetached(['cloister-no-such-program'], options)).rejects.toThrow(ProcessError)
    const inherit = [{ path: join(folder, 'missing'), access: 'readwrite' }] as const
    await expect(processes.startDetached(['true'], { ...options, inherit })).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('what a detached program inherits', () => {
  const start = async (path: string, access: 'read' | 'readwrite' = 'read', script = 'cat <&3') => {
    const log = join(folder, 'inherited.log')
    await fs.rm(log, { force: true })
    const { exited } = await processes.startDetached(['sh', '-c', script], { log, inherit: [{ path, access }] })
    await exited
    return fs.readFile(log, 'utf8')
  }

  it('is a regular file or a folder, also by a link that only this user can have made', async () => {
    const [data, link] = [join(folder, 'image'), join(folder, 'link')]
    await fs.writeFile(data, 'content')
    await fs.symlink(data, link)
    expect([await start(data), await start(link)]).toEqual(['content', 'content'])
    expect(await start(folder, 'read', 'test -d /proc/self/fd/3 && echo folder')).toBe('folder\n')
    await start(data, 'readwrite', 'echo written >&3')
    expect(await fs.readFile(data, 'utf8')).toBe('written\n')
  })

  it('is no link that others can have made', async () => {
    const shared = join(folder, 'shared')
    await fs.mkdir(shared)
    await fs.chmod(shared, 0o777)
    await fs.writeFile(join(folder, 'secret'), 'secret')
    await fs.symlink(join(folder, 'secret'), join(shared, 'image'))
    await expect(start(join(shared, 'image'))).rejects.toThrow(UnsafeFileError)
    await expect(start(join(shared, 'image'))).rejects.toThrow('Other users can write to the folder')
  })

  it('is no pipe, which nothing waits for, and no socket', async () => {
    const fifo = join(folder, 'fifo')
    await processes.run(['mkfifo', fifo])
    for (const access of ['read', 'readwrite'] as const)
      await expect(start(fifo, access)).rejects.toThrow(
        `${fifo} is a named pipe (FIFO), not a regular file or a device`,
      )
    const path = join(folder, 'socket')
    const server = createServer().listen(path)
    await once(server, 'listening')
    await expect(start(path)).rejects.toThrow(`${path} is a socket, not a regular file`)
    server.close()
  })

  it('has one name when it is written', async () => {
    const [image, other] = [join(folder, 'one'), join(folder, 'two')]
    await fs.writeFile(image, 'shared')
    await fs.link(image, other)
    expect(await start(image)).toBe('shared')
    await expect(start(other, 'readwrite')).rejects.toThrow('2 names (hard links) lead to this file')
    await expect(start(folder, 'readwrite')).rejects.toThrow(/EISDIR|is a folder/)
  })
})

describe('programs and processes', () => {
  it('are found in PATH and in the sbin folders, or by their path', async () => {
    expect(await processes.find('sh')).toMatch(/\/sh$/)
    expect(await processes.find('/bin/sh')).toBe('/bin/sh')
    expect(await processes.find('cloister-no-such-program')).toBeUndefined()
    expect(await processes.find('/bin/cloister-no-such-program')).toBeUndefined()
  })

  it('that never were have no identity', async () => {
    expect(await processes.identify(2 ** 22 + 1)).toBeUndefined()
    const own = await processes.identify(process.pid)
    expect(own).toMatchObject({ pid: process.pid, startTime: expect.stringMatching(/^\d+$/) })
  })
})
