import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeOs } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takeFolder } from './folder-owner.ts'

const os = nodeOs()
let folder: string
let note: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloister-owner-'))
  note = join(folder, 'owner.json')
})

afterEach(() => rm(folder, { recursive: true }))

describe('takeFolder', () => {
  it('takes and gives free', async () => {
    const giveFree = await takeFolder(note, os)
    expect(await readdir(folder)).toEqual(['owner.json'])
    await giveFree()
    expect(await readdir(folder)).toEqual([])
  })

  it('keeps out of the way of a daemon that runs', async () => {
    const other = spawn('sleep', ['60'])
    try {
      const identity = await os.processes.identify(other.pid ?? 0)
      await writeFile(note, JSON.stringify({ ...identity, bootId: os.host.bootId }))
      await expect(takeFolder(note, os)).rejects.toMatchObject({ kind: 'RESOURCE_BUSY' })
      await writeFile(note, JSON.stringify({ ...identity, bootId: 'another' }))
      await takeFolder(note, os)
    } finally {
      other.kill('SIGKILL')
    }
  })

  it.each(['', '{', '[]', '{"pid":"1"}', '{"pid":1,"startTime":"x"}'])(
    'makes nothing of a note like %s',
    async (text) => {
      await writeFile(note, text)
      await takeFolder(note, os)
      expect(await readdir(folder)).toEqual(['owner.json'])
    },
  )
})
