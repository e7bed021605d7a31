import { describe, expect, it } from 'vitest'
import { meaninglessAttributes, meaninglessElements } from './meaningless.ts'

describe('what the parser passes over', () => {
  it('says why, and grows on purpose only', () => {
    const all = [...meaninglessElements, ...meaninglessAttributes]
    expect(all.filter(([, { because }]) => because.length < 10)).toEqual([])
    expect(all.map(([path]) => path)).toMatchInlineSnapshot(`
      [
        "domain/resource",
        "domain/devices/*/address",
        "domain/devices/*/alias",
        "domain/devices/controller",
        "domain/devices/input",
        "domain/devices/video",
        "domain/devices/audio",
        "domain/devices/interface/link",
        "domain/os/bootmenu",
        "domain/@id",
        "domain/vcpu/@placement",
        "domain/cpu/@check",
        "domain/cpu/@migratable",
        "domain/devices/disk/driver/@name",
        "domain/devices/disk/source/@index",
        "domain/devices/disk/target/@tray",
        "domain/devices/interface/target/@managed",
        "domain/devices/console/@tty",
        "domain/devices/channel/target/@state",
      ]
    `)
  })
})
