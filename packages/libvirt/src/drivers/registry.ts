import { msg } from '@cloister/kit'
import type { Driver } from '../driver.ts'
import { LibvirtError } from '../error.ts'
import { formatUri, type LibvirtUri } from '../uri.ts'
import type { DriverEnvironment } from './driver-environment.ts'
import { openQemuDriver } from './qemu/qemu-driver.ts'
import { openTestDriver } from './test/open-test-driver.ts'

/** Opens a driver for a URI of its scheme. */
export type OpenDriver = (uri: LibvirtUri, environment: DriverEnvironment) => Promise<Driver>

/** Drivers that run in this process, by the URI's scheme. */
const localDrivers: ReadonlyMap<string, OpenDriver> = new Map<string, OpenDriver>([
  ['qemu', openQemuDriver],
  ['test', openTestDriver],
])

/**
 * Opens the driver that a URI names (reference: libvirt, 2.4).
 * @throws LibvirtError NO_CONNECT when no driver has that name, NO_SUPPORT when the URI leads to another host or a daemon
 */
export async function openDriver(uri: LibvirtUri, environment: DriverEnvironment): Promise<Driver> {
  if (uri.transport !== undefined) {
    throw new LibvirtError(
      'NO_SUPPORT',
      msg`virConnectOpen of '${formatUri(uri)}': there is no driver for daemons yet; name neither a transport nor a host`,
      { domain: 'REMOTE' },
    )
  }
  const open = localDrivers.get(uri.driver)
  if (!open) throw new LibvirtError('NO_CONNECT', msg`'${formatUri(uri)}'`)
  return open(uri, environment)
}
