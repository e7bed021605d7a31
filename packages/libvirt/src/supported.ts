import { LibvirtError } from './error.ts'

/**
 * A group of calls that a driver may lack.
 * @param api the call of libvirt that was asked for, such as `virDomainAttachDeviceFlags`
 * @throws LibvirtError NO_SUPPORT
 */
export function supported<T>(group: T | undefined, api: string): T {
  if (group === undefined) throw new LibvirtError('NO_SUPPORT', api)
  return group
}
