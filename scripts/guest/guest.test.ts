import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type DetachedProcess, nodeOs } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GuestConsole } from '../demo/guest-console.ts'

// Boots the guest that `node scripts/prepare.mjs test` builds, with QEMU alone.

const { processes } = nodeOs()
const guest = fileURLToPath(new URL('../../.cache/guest', import.meta.url))
const [qemu, machine] = process.arch === 'arm64' ? ['qemu-system-aarch64', 'virt'] : ['qemu-system-x86_64', 'q35']
const bootMs = 40_000
let scratch = ''
let running: DetachedProcess | undefined

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'guest-'))
  await copyFile(join(guest, 'root.img'), join(scratch, 'root.img'))
  await writeFile(join(scratch, 'private.img'), '')
  await truncate(join(scratch, 'private.img'), 2 ** 31)
})
afterEach(async () => {
  if (running) await processes.signal(running, 'SIGKILL')
  await running?.exited
  await rm(scratch, { recursive: true })
})

async function boot(options: string): Promise<GuestConsole> {
  const common = await readFile(join(guest, 'kernel/default-kernelopts-common.txt'), 'utf8')
  const disk = (name: string): string[] => [
    ...['-drive', `file=${join(scratch, name)}.img,format=raw,if=none,id=${name}`],
    ...['-device', `virtio-blk-pci,drive=${name},serial=${name}`],
  ]
  running = await processes.startDetached(
    [
      ...([
        qemu,
        '-machine',
        machine,
        '-accel',
        'tcg',
        '-cpu',
        'max',
        '-m',
        '256',
        '-nodefaults',
        '-display',
        'none',
      ] as const),
      ...['-kernel', join(guest, 'kernel/vmlinuz'), '-initrd', join(guest, 'kernel/initramfs')],
      ...['-append', common.trimEnd() + options, ...disk('root'), ...disk('private')],
      ...['-qmp', `unix:${scratch}/qmp,server=on,wait=off`, '-serial', `unix:${scratch}/console,server=on,wait=on`],
    ],
    { log: join(scratch, 'log') },
  )
  const console = await connect(AbortSignal.timeout(bootMs))
  await console.ready(AbortSignal.timeout(bootMs))
  return console
}

/** QEMU makes the socket a moment after it has started, and then waits for us. */
async function connect(signal: AbortSignal): Promise<GuestConsole> {
  try {
    return await GuestConsole.connect(join(scratch, 'console'))
  } catch (error) {
    if (signal.aborted) throw new Error(await readFile(join(scratch, 'log'), 'utf8'), { cause: error })
    await delay(20)
    return connect(signal)
  }
}

async function pressPowerButton(): Promise<void> {
  const socket = createConnection(join(scratch, 'qmp'))
  await once(socket, 'connect')
  socket.write('{"execute":"qmp_capabilities"}\n{"execute":"system_powerdown"}\n')
  await running?.exited
  socket.destroy()
}

describe('the tiny guest', () => {
  it('boots, keeps what is written to its private volume, and switches off at the power button', {
    timeout: 90_000,
  }, async () => {
    const first = await boot(' hostname=work')
    const run = (console: GuestConsole, line: string) => console.run(line, AbortSignal.timeout(bootMs))
    expect(await run(first, 'hostname')).toEqual({ output: 'work\n', status: 0 })
    expect(await run(first, 'echo kept >/rw/file && false')).toEqual({ output: '', status: 1 })
    await pressPowerButton()
    first.close()

    const second = await boot('')
    expect(await run(second, 'hostname; cat /rw/file; dmesg | grep -c EXT4-fs.error')).toMatchObject({
      output: 'cloister\nkept\n0\n',
    })
    second.close()
  })
})
