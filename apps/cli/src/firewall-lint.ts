import type { FirewallRule } from '@cloister/admin-protocol'

/** One label of a host name (RFC 1123, with the underscore of service names). */
const hostLabel = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** What is wrong with a text as the name of a host; undefined when nothing is. */
function hostFault(host: string): string | undefined {
  // The one full stop at the end of a name that is complete.
  const labels = host.replace(/(?<=.)\.$/, '').split('.')
  const bad = labels.find((label) => !hostLabel.test(label))
  if (bad === '') return 'has a part without a letter between its full stops'
  if (bad !== undefined) return `has the part "${bad}", which is longer than 63 letters or has "-" at an end`
  return /^\d+$/.test(labels.at(-1) ?? '') ? 'looks like an address that is not complete' : undefined
}

/**
 * What makes a rule match nothing, although the daemon takes it as Qubes does; undefined for a rule that can match. A rule
 * that accepts a host which cannot exist is a connection that fails; one that drops it lets through what it should not.
 */
export function questionOf({ destination }: FirewallRule): string | undefined {
  if (destination === undefined || !('host' in destination)) return undefined
  const fault = hostFault(destination.host)
  return fault === undefined ? undefined : `no host can be called "${destination.host}": it ${fault}`
}
