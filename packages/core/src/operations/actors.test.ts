import { PermissionDenied, QubesInvalidTagError, QubesTagNotFoundError } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { reservedFeatures } from '../extensions/feature-rules.ts'
import { discrepancies } from '../testing/soundness.ts'
import { TestSystem } from '../testing/test-system.ts'
import type { Actor } from './actor.ts'
import { createDomain } from './create-domain.ts'
import { removeFeature, setFeature } from './features.ts'
import { addTag, removeTag } from './tags.ts'

let system: TestSystem
let work: QubesVM
let dom0: Actor
let domain: Actor

beforeEach(async () => {
  system = await TestSystem.open()
  work = await system.create('StandaloneVM', 'work')
  dom0 = { domain: system.app.adminVM, dialect: 'admin' }
  domain = { domain: work, dialect: 'admin' }
})
afterEach(() => system[Symbol.asyncDispose]())

describe('a feature', () => {
  it.each([...reservedFeatures])('%s is set and removed by the daemon only', async (name) => {
    await expect(setFeature(dom0, work, name, '1')).rejects.toThrow(PermissionDenied)
    await system.features(work, { [name]: '1' })
    await expect(removeFeature(dom0, work, name)).rejects.toThrow(PermissionDenied)
    expect(work.features.find(name)).toBe('1')
  })

  it('of any other name is free', async () => {
    await setFeature(domain, work, 'f', '1')
    expect(work.features.find('f')).toBe('1')
    await removeFeature(domain, work, 'f')
    expect(work.features.find('f')).toBeUndefined()
  })
})

describe('a tag by which rights are given', () => {
  it.each([
    ['created-by-x', 'admin'],
    ['created-by-x', 'mgmt'],
    ['managed-by-x', 'mgmt'],
    ['backup-x', 'mgmt'],
  ] as const)('%s is changed by the admin domain only, in the dialect %s', async (tag, dialect) => {
    const other: Actor = { ...domain, dialect }
    await expect(addTag(other, work, tag)).rejects.toThrow(PermissionDenied)
    await addTag({ ...dom0, dialect }, work, tag)
    await expect(removeTag(other, work, tag)).rejects.toThrow(PermissionDenied)
    await removeTag({ ...dom0, dialect }, work, tag)
    await expect(removeTag(dom0, work, tag)).rejects.toThrow(QubesTagNotFoundError)
  })

  it.each(['managed-by-x', 'backup-x', 't'])('%s is not one in the dialect of Qubes', async (tag) => {
    await addTag(domain, work, tag)
    expect(work.tags.has(tag)).toBe(true)
  })
})

describe('tag-created-vm-with', () => {
  const create = (): Promise<unknown> =>
    createDomain(system.app, 'StandaloneVM', { name: 'new', label: 'red', creator: system.app.adminVM })

  it('gives its tags to what its domain makes', async () => {
    await setFeature(dom0, system.app.adminVM, 'tag-created-vm-with', ' a  b ')
    await create()
    expect(system.app.domains.get('new').tags.list()).toEqual(expect.arrayContaining(['a', 'b']))
  })

  it.each(['a.b', 'a b@', 'x/y'])('%j names no tag, so that nothing can be made', async (value) => {
    await setFeature(dom0, system.app.adminVM, 'tag-created-vm-with', value)
    await expect(create()).rejects.toThrow(QubesInvalidTagError)
    expect(system.app.domains.find('new')).toBeUndefined()
    expect(await discrepancies(system)).toEqual([])
  })
})
