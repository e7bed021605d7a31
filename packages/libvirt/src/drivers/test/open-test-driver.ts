import { msg } from '@cloister/kit'
import type { DomainDefinition } from '../../domain-definition.ts'
import { LibvirtError } from '../../error.ts'
import { formatUri, type LibvirtUri } from '../../uri.ts'
import type { DriverEnvironment } from '../driver-environment.ts'
import { defaultDomain } from './default-domain.ts'
import { TestDriver } from './test-driver.ts'

/** Domains that run from the start, by the URI's path. */
const fixtures: ReadonlyMap<string, readonly DomainDefinition[]> = new Map([
  ['/empty', []],
  ['/default', [defaultDomain]],
])

/**
 * Opens `test:///empty` (no domains) or `test:///default` (one that runs; reference: libvirt, 2.5). Each opening has a state of
 * its own.
 * @throws LibvirtError INVALID_ARG
 */
export async function openTestDriver(uri: LibvirtUri, environment: DriverEnvironment): Promise<TestDriver> {
  const running = fixtures.get(uri.path)
  if (!running || uri.parameters.size > 0 || uri.fragment !== undefined) {
    throw new LibvirtError(
      'INVALID_ARG',
      msg`no such test host: '${formatUri(uri)}'; use test:///default or test:///empty`,
      {
        domain: 'TEST',
      },
    )
  }
  return new TestDriver(formatUri(uri), environment, running)
}
