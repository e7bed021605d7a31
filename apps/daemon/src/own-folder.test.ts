import { chmod, chown, mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises'
import { nodeOs } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeOwnFolder } from './own-folder.ts'
import { defaultPlaces } from './places.ts'

const os = nodeOs()
let parent: string
let folder: string

beforeEach(async () => {
  parent = await mkdtemp('/tmp/cloister-own-')
  folder = `${parent}/own`
})
afterEach(() => rm(parent, { recursive: true }))

describe('a folder where every user may make files', () => {
  it('is made for its user alone, and taken again', async () => {
    for (let daemon = 0; daemon < 2; daemon++) await makeOwnFolder(os, folder)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['it is no folder', async () => symlink('/tmp', folder)],
    ['other users may write to it', async () => mkdir(folder).then(() => chmod(folder, 0o777))],
    ['it belongs to another user', async () => mkdir(folder, 0o700).then(() => chown(folder, 12345, 12345))],
  ])('is refused when %s', async (weakness, plant) => {
    if (weakness.includes('another') && process.getuid?.() !== 0) return
    await plant()
    await expect(makeOwnFolder(os, folder)).rejects.toThrow(
      `The folder ${folder} cannot be used for the sockets: ${weakness}. Set XDG_RUNTIME_DIR, or name another folder with --run`,
    )
  })
})

describe('the places of a user', () => {
  it('are below XDG_RUNTIME_DIR, else below a folder in /tmp that must be checked', () => {
    expect(defaultPlaces(1000, { HOME: '/h', XDG_RUNTIME_DIR: '/run/user/1000' })).toEqual({
      configuration: '/h/.config/cloister/cloister.toml',
      state: '/h/.local/state/cloister',
      run: '/run/user/1000/cloister',
    })
    for (const env of [{ HOME: '/h' }, { HOME: '/h', XDG_RUNTIME_DIR: '' }]) {
      expect(defaultPlaces(1000, env)).toMatchObject({
        run: '/tmp/cloister-1000/cloister',
        untrusted: '/tmp/cloister-1000',
      })
    }
    expect(defaultPlaces(0, {}).untrusted).toBeUndefined()
  })
})
