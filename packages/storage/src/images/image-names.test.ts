import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ImageNames, isImageVid } from './image-names.ts'

const names = new ImageNames('/pool/appvms/work/root')

describe('names of image files', () => {
  it('are recognised as what they are', () => {
    const revision = names.revision(12, 1_700_000_000_123_456_789n)
    expect(revision).toBe('/pool/appvms/work/root.img.12@2023-11-14T22:13:20Z')
    const roles = [
      names.clean,
      names.dirty,
      names.overlay,
      names.precache,
      names.import,
      names.sourceRecord,
      revision,
    ].map((path) => names.parse(path.slice('/pool/appvms/work/'.length)))
    expect(roles.map((file) => file?.role)).toEqual([
      'clean',
      'dirty',
      'overlay',
      'precache',
      'import',
      'sourceRecord',
      'revision',
    ])
    expect(names.parse('root-dirty.img~1-2')).toEqual({
      path: '/pool/appvms/work/root-dirty.img~1-2',
      role: 'dirty',
      temporary: true,
    })
    expect(names.parseRevision('root.img.12@2023-11-14T22:13:20Z')).toEqual({
      path: revision,
      number: 12,
      time: '2023-11-14T22:13:20',
    })
  })

  it('of others are not', () => {
    const others = [
      'root2.img',
      'roo.img',
      'root',
      'root.img.x',
      'root.img.1@2023-11-14T22:13:20',
      'xroot.img',
      'root-x.img',
    ]
    for (const name of [...others, 'root.img.1@2023-11-14 22:13:20Z', 'root.imgs', 'root-dirty.img.bak', '~root.img']) {
      expect(names.parse(name), name).toBeUndefined()
    }
    expect(names.parseRevision('root.img.1@2023-11-14T22:13:20Z~x')).toBeUndefined()
  })

  it('never belong to two volumes of a domain', () => {
    const volume = fc.stringMatching(/^[a-z0-9_]{1,8}$/)
    const suffix = fc.constantFrom('.img', '-dirty.img', '-import.img', '.img.1@2023-11-14T22:13:20Z', '.img~x')
    fc.assert(
      fc.property(volume, volume, suffix, (one, other, end) => {
        fc.pre(one !== other)
        expect(new ImageNames(`/pool/appvms/work/${one}`).parse(`${other}${end}`)).toBeUndefined()
      }),
    )
  })

  it('stay inside the folder of their domain', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (domain, volume) => {
        const vid = `appvms/${domain}/${volume}`
        fc.pre(isImageVid(vid))
        expect(vid.split('/')).toHaveLength(3)
        expect(domain).not.toMatch(/^\.|\0/)
      }),
    )
  })
})
