import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { mkdir, open, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cloisterd, scratchFolder } from '../support/cloisterd.ts'

// How the daemon starts, fails to start, and runs while its log cannot be written.

const launcher = fileURLToPath(new URL('../../bin/cloisterd', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await scratchFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const places = (): string[] => [
  '--state',
  `${folder}/s`,
  '--run',
  `${folder}/r`,
  '--kernels',
  `${folder}/k`,
  '--hypervisor',
  'test:///empty',
]

/** Runs the daemon until it ends by itself. */
async function failure(...args: string[]): Promise<{ code: number | null; text: string }> {
  const child = spawn(launcher, [...places(), ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  const [code] = await once(child, 'close')
  return { code, text }
}

/** The last line on standard error; there is no stack in any. */
function reason({ code, text }: { code: number | null; text: string }, status = 1): string {
  expect(text).not.toMatch(/^\s+at /m)
  expect(code).toBe(status)
  return text.trimEnd().split('\n').at(-1) ?? ''
}

describe('a daemon that cannot start says why in one line', () => {
  it('when its database is damaged', async () => {
    const daemon = await Cloisterd.start({ folder })
    await daemon.stop()
    await truncate(`${folder}/s/state.db`, 10_000)
    expect(reason(await failure())).toMatch(
      /^cloisterd: The state database \S+\/s\/state\.db is damaged: .*\. Restore it from a backup/,
    )
  })

  it('when its database is missing, and starts when that is accepted', async () => {
    const daemon = await Cloisterd.start({ folder })
    await daemon.stop()
    await rm(`${folder}/s/state.db`)
    expect(reason(await failure())).toMatch(/^cloisterd: The state database \S+ is missing.*--accept-empty/)
    const accepted = await Cloisterd.start({ folder, args: ['--accept-empty'] })
    expect(await accepted.stop()).toBe(0)
  })

  it('when another daemon runs, a folder cannot be made, or the configuration is wrong', async () => {
    const daemon = await Cloisterd.start({ folder })
    expect(reason(await failure())).toMatch(/^cloisterd: The state in \S+ is in use by another cloisterd \(pid \d+\)/)
    await daemon.stop()
    expect(reason(await failure('--run', '/proc/nothing'))).toMatch(
      /^cloisterd: Cannot make the folder \/proc\/nothing: /,
    )
    await writeFile(`${folder}/c`, 'group = "no-such-group"\n')
    expect(reason(await failure('--config', `${folder}/c`), 2)).toContain('There is no group no-such-group')
    await writeFile(`${folder}/c`, 'x = 1\n')
    expect(reason(await failure('--config', `${folder}/c`), 2)).toContain('there is no setting x')
  })
})

it('the folders that the daemon makes can be entered by members of its group, whatever the umask', async () => {
  const daemon = await Cloisterd.start({ folder })
  const modeOf = async (name: string): Promise<string> => ((await stat(`${folder}/${name}`)).mode & 0o777).toString(8)
  expect([await modeOf('s'), await modeOf('r'), await modeOf('s/state.db')]).toEqual(['711', '755', '600'])
  await daemon.stop()
})

describe('a daemon whose log cannot be written', () => {
  const list = 'admin.label.List+ dom0 name dom0\0'

  function call(): Promise<string> {
    return new Promise((resolve) => {
      let reply = ''
      const socket = connect({ path: `${folder}/r/qubesd.sock`, allowHalfOpen: true }, () => socket.end(list))
      socket.setEncoding('latin1').on('data', (text) => {
        reply += text
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(reply))
    })
  }

  async function expectServes(child: ChildProcess): Promise<void> {
    await expect.poll(call, { timeout: 30_000 }).toContain('red\n')
    // More lines than a pipe and the daemon's own queue hold.
    for (let round = 0; round < 40; round++) await Promise.all(Array.from({ length: 50 }, call))
    expect(await call()).toContain('red\n')
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
  }

  const start = (stderr: number | 'pipe'): ChildProcess =>
    spawn(launcher, [...places(), '--log-level', 'debug'], { stdio: ['ignore', 'ignore', stderr] })

  it('because its disk is full, serves and stops', async () => {
    const full = await open('/dev/full', 'w')
    const child = start(full.fd)
    await full.close()
    await expectServes(child)
  })

  it('because the reader of the pipe does not read, or is gone, serves and stops', async () => {
    await mkdir(`${folder}/p`)
    for (const keep of [true, false]) {
      const path = `${folder}/p/${keep}`
      const made = spawn('mkfifo', [path])
      await once(made, 'exit')
      const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const writer = await open(path, 'w')
      const child = start(writer.fd)
      await writer.close()
      if (!keep) await reader.close()
      await expectServes(child)
      if (keep) await reader.close()
    }
  })

  it('because the other end of the socket does not read, serves and stops', async () => {
    // The pipes of Node are sockets; their reading end is never read.
    const child = start('pipe')
    await expectServes(child)
  })
})
