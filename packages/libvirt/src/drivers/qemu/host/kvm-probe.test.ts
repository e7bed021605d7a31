import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeOs, type Os, overlaid } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Places } from '../places.ts'
import { qemu } from '../testing/qemu-harness.ts'
import { bootProbe, probeKvm } from './kvm-probe.ts'

describe.skipIf(!qemu)('the probe', () => {
  let folder: string
  let places: Places

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cloister-probe-'))
    places = new Places(folder)
  })

  afterEach(() => rm(folder, { recursive: true }))

  it('boots under emulation', async () => {
    expect(await bootProbe(qemu ?? '', 'tcg', places, nodeOs())).toEqual({ booted: true, reason: '' })
  })

  it('answers within its time limit whether KVM is usable, and remembers it', async () => {
    const began = performance.now()
    const usable = await probeKvm(qemu ?? '', places, { os: nodeOs() })
    expect(performance.now() - began).toBeLessThan(5000)
    const again = await probeKvm(qemu ?? '', places, { os: withoutRun() })
    expect(again).toBe(usable)
  })

  it('does not believe what is remembered of another boot, or damaged', async () => {
    const os = withDevice()
    for (const remembered of ['', '{', '[]', '{"key":"other","usable":true}', '{"usable":true}']) {
      await writeFile(places.probe, remembered)
      expect(await probeKvm(await program('exit 1'), places, { os })).toBe(false)
    }
  })

  it('takes a guest that says nothing for one that does not run', async () => {
    const logged: unknown[] = []
    const log = (_level: string, _message: string, details?: unknown): void => void logged.push(details)
    expect(await probeKvm(await program('exit 0'), places, { os: withDevice(), log })).toBe(false)
    expect(logged).toEqual([{ reason: 'the guest said nothing' }])
    expect(JSON.parse(await readFile(places.probe, 'utf8'))).toMatchObject({ usable: false })
  })

  it('ends a guest that hangs', async () => {
    expect(await probeKvm(await program('exec sleep 60'), places, { os: withDevice() })).toBe(false)
  })

  it('answers no without the device', async () => {
    const os = nodeOs()
    const files = overlaid<Os['files']>(os.files, { stat: () => Promise.resolve(undefined) })
    expect(await probeKvm(qemu ?? '', places, { os: { ...os, files } })).toBe(false)
  })

  /** A program in QEMU's place. */
  async function program(body: string): Promise<string> {
    const path = join(folder, 'qemu')
    await writeFile(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 })
    return path
  }
})

/** The machine, on which nothing may be run. */
function withoutRun(): Os {
  const os = nodeOs()
  const run = (): Promise<never> => Promise.reject(new Error('the probe was made again'))
  return { ...os, processes: overlaid<Os['processes']>(os.processes, { run }) }
}

/** The machine, with `/dev/kvm`. */
function withDevice(): Os {
  const os = nodeOs()
  const stat: Os['files']['stat'] = (path) => os.files.stat(path === '/dev/kvm' ? '/dev/null' : path)
  return { ...os, files: overlaid<Os['files']>(os.files, { stat }) }
}
