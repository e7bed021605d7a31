import { ProtocolError, QubesException, QubesNotImplementedError, QubesValueError } from '@cloister/kit'
import { ModelledOs } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { createPool, poolDrivers } from './pool-drivers.ts'
import type { PoolOptions } from './pool-options.ts'

const os = new ModelledOs({ folders: ['/srv'] })

describe('pool drivers', () => {
  it('are listed with their options in order', () => {
    expect([...poolDrivers].map(([name, { parameters }]) => [name, ...parameters].join(' '))).toEqual([
      'file revisions_to_keep dir_path ephemeral_volatile cloister_shared_folder',
      'file-reflink revisions_to_keep dir_path setup_check ephemeral_volatile cloister_shared_folder',
      'linux-kernel dir_path',
    ])
  })

  it.each([
    ['lvm_thin', 'p', { dir_path: '/srv/p' }, QubesException, 'No driver lvm_thin for pool p'],
    ['file', 'p q', { dir_path: '/srv/p' }, ProtocolError, 'Invalid name of a pool'],
    ['file', '', { dir_path: '/srv/p' }, ProtocolError, 'Invalid name of a pool'],
    ['file', 'p', {}, QubesException, 'missing required driver options: dir_path'],
    ['file', 'p', { dir_path: '' }, QubesException, 'missing required driver options: dir_path'],
    ['file', 'p', { dir_path: '/srv/p', setup_check: 'True' }, ProtocolError, 'unexpected driver options: setup_check'],
    ['linux-kernel', 'p', { dir_path: '/srv/p', revisions_to_keep: '0' }, ProtocolError, 'unexpected driver options'],
    ['file', 'p', { dir_path: 'srv/p' }, QubesValueError, 'use an absolute path'],
    ['file', 'p', { dir_path: '/srv/p\nx' }, QubesValueError, 'use an absolute path'],
    [
      'file',
      'p',
      { dir_path: '/srv/p', revisions_to_keep: '2' },
      QubesNotImplementedError,
      'a volume of the driver file keeps at most 1 older state',
    ],
    [
      'file-reflink',
      'p',
      { dir_path: '/srv/p', revisions_to_keep: '-2' },
      QubesValueError,
      'Invalid value for revisions_to_keep',
    ],
    [
      'file-reflink',
      'p',
      { dir_path: '/srv/p', revisions_to_keep: 'x' },
      QubesValueError,
      'Invalid value for revisions_to_keep: x. Use a whole number',
    ],
    [
      'file-reflink',
      'p',
      { dir_path: '/srv/p', revisions_to_keep: '99999999999999999999' },
      QubesValueError,
      'from -1 to 9007199254740991',
    ],
    [
      'file-reflink',
      'p',
      { dir_path: '/srv/p', setup_check: 'maybe' },
      QubesValueError,
      'Invalid value for setup_check',
    ],
  ] as const)('51: %s, %j with %j is refused', (driver, name, options: PoolOptions, type, text) => {
    const make = () => createPool(driver, name, options, os)
    expect(make).toThrow(type)
    expect(make).toThrow(text)
  })

  it('53: config is what was given and the defaults, and makes the same pool again', () => {
    const pool = createPool('file-reflink', 'p', { dir_path: '/srv/p/', ephemeral_volatile: 'yes' }, os)
    const config = pool.config()
    expect(config).toEqual({
      name: 'p',
      driver: 'file-reflink',
      dir_path: '/srv/p',
      revisions_to_keep: '1',
      ephemeral_volatile: 'True',
    })
    const { name = '', driver = '', ...options } = config
    expect(createPool(driver, name, options, os).config()).toEqual(config)
  })

  it('making a pool touches no disk', () => {
    const before = os.files.faults.trace.length
    createPool('file', 'p', { dir_path: '/srv/p' }, os)
    expect(os.files.faults.trace).toHaveLength(before)
  })
})
