import { msg, ProtocolError, QubesException } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { fileDriver } from './drivers/file/file-driver.ts'
import { reflinkDriver } from './drivers/file-reflink/reflink-driver.ts'
import { LinuxKernelPool } from './drivers/linux-kernel/linux-kernel-pool.ts'
import { ImagePool, type ImagePoolSettings } from './images/image-pool.ts'
import type { Pool } from './pool.ts'
import { booleanOption, folderOption, type PoolOptions, revisionsOption, sharedFolderOption } from './pool-options.ts'

/** What a driver makes a pool of. */
export interface PoolRequest {
  readonly name: string
  readonly options: PoolOptions
  readonly os: Os
  /** Called with a text for the log when a fault was found on the disk and mended. */
  readonly warn: (text: string) => void
}

export interface PoolDriver {
  /** Names of the options, in the order in which `admin.pool.ListDrivers` shows them. */
  readonly parameters: readonly string[]
  readonly required: readonly string[]
  make(request: PoolRequest): Pool
}

const registered = new Map<string, PoolDriver>()

/** The drivers by name (reference: admin-api, 13.2), in the order in which they were registered. */
export const poolDrivers: ReadonlyMap<string, PoolDriver> = registered

/** Adds a driver, which pools can be made of from then on. @throws RangeError when there is a driver of that name */
export function registerPoolDriver(name: string, driver: PoolDriver): void {
  if (registered.has(name)) throw new RangeError(`The pool driver ${name} is registered already`)
  registered.set(name, driver)
}

registerPoolDriver('file', {
  parameters: ['revisions_to_keep', 'dir_path', 'ephemeral_volatile', sharedFolderOption],
  required: ['dir_path'],
  make: (request) => new ImagePool(fileDriver, imageSettings(request)),
})

registerPoolDriver('file-reflink', {
  parameters: ['revisions_to_keep', 'dir_path', 'setup_check', 'ephemeral_volatile', sharedFolderOption],
  required: ['dir_path'],
  make: (request) => {
    const driver = reflinkDriver(booleanOption(request.options, 'setup_check', true))
    return new ImagePool(driver, imageSettings(request))
  },
})

registerPoolDriver('linux-kernel', {
  parameters: ['dir_path'],
  required: ['dir_path'],
  make: ({ name, options, os }) => new LinuxKernelPool(name, folderOption(options), os),
})

/**
 * The pool for a driver's name and options; touches no disk. `Pool.config()` without `name` and `driver` gives the options
 * of a pool that exists.
 * @throws QubesException for an unknown driver or a missing option
 * @throws ProtocolError for a bad name or an unknown option
 * @throws QubesValueError, QubesNotImplementedError for a value that the driver does not take
 */
export function createPool(
  driverName: string,
  name: string,
  options: PoolOptions,
  os: Os,
  warn: (text: string) => void = () => {},
): Pool {
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(name)) throw new ProtocolError(msg`Invalid name of a pool: ${name}`)
  const driver = poolDrivers.get(driverName)
  if (!driver) throw new QubesException(msg`No driver ${driverName} for pool ${name}`)
  const unknown = Object.keys(options).filter((key) => !driver.parameters.includes(key))
  if (unknown.length > 0) throw new ProtocolError(msg`unexpected driver options: ${unknown.join(', ')}`)
  const missing = driver.required.filter((key) => !options[key])
  if (missing.length > 0) throw new QubesException(msg`missing required driver options: ${missing.join(', ')}`)
  return driver.make({ name, options, os, warn })
}

function imageSettings({ name, options, os, warn }: PoolRequest): ImagePoolSettings {
  return {
    name,
    os,
    warn,
    dirPath: folderOption(options),
    revisionsToKeep: revisionsOption(options),
    ephemeralVolatile: booleanOption(options, 'ephemeral_volatile', false),
    sharedFolder: booleanOption(options, sharedFolderOption, false),
  }
}
