import { utf8, utf8Text } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import {
  isTemporary,
  makeFolderDurably,
  removeDurably,
  removeIfPresent,
  renameDurably,
  replaceContent,
  temporaryName,
  writeDurably,
} from './durable.ts'
import { ModelledOs, seededSurvival } from './modelled/modelled-os.ts'

const seeds = [0, 1, 2, 3, 4, 5, 6, 7]

/** A machine with the file `/d/a`, which holds `old` for certain. */
async function machine(): Promise<ModelledOs> {
  const os = new ModelledOs({ folders: ['/d'] })
  await writeDurably(os.files, '/d/a', utf8('old'))
  return os
}

async function look(os: ModelledOs): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of await os.files.list('/d')) {
    if (!isTemporary(name)) found[name] = utf8Text(await os.files.read(`/d/${name}`, 100)) ?? 'not text'
  }
  return found
}

const operations: { title: string; run: (os: ModelledOs) => Promise<unknown>; after: Record<string, string> }[] = [
  { title: 'writeDurably', run: ({ files }) => writeDurably(files, '/d/a', utf8('new')), after: { a: 'new' } },
  { title: 'renameDurably', run: ({ files }) => renameDurably(files, '/d/a', '/d/b'), after: { b: 'old' } },
  { title: 'removeDurably', run: ({ files }) => removeDurably(files, '/d/a'), after: {} },
]

describe('durable operations on files', () => {
  it.each(operations)('$title is done wholly or not at all, wherever the power fails', async ({ run, after }) => {
    for (const seed of seeds) {
      for (let steps = 0; ; steps++) {
        const os = await machine()
        os.files.faults.dieAfter(steps)
        await run(os).catch(() => {})
        const died = os.files.faults.dead
        os.losePower(seed === 0 ? undefined : seededSurvival(seed))
        if (!died) {
          expect(await look(os)).toEqual(after)
          break
        }
        expect([{ a: 'old' }, after]).toContainEqual(await look(os))
      }
    }
  })

  it('makeFolderDurably leaves a folder that stays', async () => {
    const { files, ...os } = await machine()
    expect(await makeFolderDurably(files, '/d/folder')).toEqual({ made: true })
    expect(await makeFolderDurably(files, '/d/folder')).toEqual({ made: false })
    expect(os).toBeDefined()
    files.losePower()
    expect(await files.list('/d')).toEqual(['a', 'folder'])
  })

  it('replaceContent leaves the name to the caller, and no temporary when it fails', async () => {
    const os = await machine()
    await replaceContent(os.files, '/d/a', (temporary) => os.files.create(temporary, { data: utf8('new') }))
    expect(await look(os)).toEqual({ a: 'new' })
    for (const operation of ['fill', 'setMode', 'sync', 'rename']) {
      os.files.faults.failNext(operation, 'EIO')
      await expect(writeDurably(os.files, '/d/a', utf8('newer'))).rejects.toMatchObject({ code: 'EIO' })
      expect(await os.files.list('/d')).toEqual(['a'])
    }
    os.losePower()
    expect(await look(os)).toEqual({ a: 'old' })
  })

  it('removeIfPresent minds only other failures than a missing file', async () => {
    const os = await machine()
    expect(await removeIfPresent(os.files, '/d/a')).toBe(true)
    expect(await removeIfPresent(os.files, '/d/a')).toBe(false)
    os.losePower()
    os.files.faults.failNext('unlink', 'EROFS')
    await expect(removeIfPresent(os.files, '/d/a')).rejects.toMatchObject({ code: 'EROFS' })
  })

  it('temporary names are recognised, and differ', () => {
    const names = Array.from({ length: 100 }, () => temporaryName('/d/a.img'))
    expect(new Set(names).size).toBe(100)
    expect(names.every(isTemporary)).toBe(true)
    for (const name of ['a', 'a~', '~', 'a~x', 'a~b-c.img']) expect(isTemporary(name)).toBe(false)
  })
})
