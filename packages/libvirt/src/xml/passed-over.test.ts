import { describe, expect, it } from 'vitest'
import { passedOverAttributes, passedOverElements } from './passed-over.ts'

describe('what the parser passes over', () => {
  it('says why', () => {
    const all = [...[...passedOverElements.values()].flat(), ...passedOverAttributes.values()]
    expect(all.filter(({ because }) => because.length < 10)).toEqual([])
  })

  it('grows on purpose only', () => {
    expect([...passedOverElements.keys(), ...passedOverAttributes.keys()]).toEqual([
      'domain/resource',
      'domain/resource/partition',
      'domain/seclabel',
      'domain/on_lockfailure',
      'domain/seclabel/label',
      'domain/seclabel/imagelabel',
      'domain/memoryBacking',
      'domain/memoryBacking/nosharepages',
      'domain/memoryBacking/source',
      'domain/memoryBacking/access',
      'domain/memoryBacking/allocation',
      'domain/os/bootmenu',
      'domain/os/smbios',
      'domain/os/firmware',
      'domain/os/firmware/feature',
      'domain/os/loader',
      'domain/features/vmport',
      'domain/features/smm',
      'domain/clock/timer',
      'domain/devices/*/address',
      'domain/devices/*/alias',
      'domain/devices/controller',
      'domain/devices/controller/master',
      'domain/devices/controller/model',
      'domain/devices/controller/target',
      'domain/devices/input',
      'domain/devices/video',
      'domain/devices/video/model',
      'domain/devices/audio',
      'domain/devices/watchdog',
      'domain/devices/memballoon/stats',
      'domain/devices/interface/link',
      'domain/@id',
      'domain/memory/@dumpCore',
      'domain/vcpu/@placement',
      'domain/cpu/@check',
      'domain/cpu/@migratable',
      'domain/clock/@adjustment',
      'domain/devices/disk/@snapshot',
      'domain/devices/disk/driver/@name',
      'domain/devices/disk/driver/@io',
      'domain/devices/disk/driver/@detect_zeroes',
      'domain/devices/disk/source/@index',
      'domain/devices/disk/target/@tray',
      'domain/devices/interface/target/@managed',
      'domain/devices/console/@tty',
      'domain/devices/channel/target/@state',
      'domain/devices/memballoon/@autodeflate',
      'domain/devices/memballoon/@freePageReporting',
    ])
  })
})
