import { msg, ProtocolError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'

/** What the policy engine reads about a domain; keys as on the wire (reference: admin-api, 3.14). */
export interface SystemInfoDomain {
  readonly internal: string | null
  readonly tags: readonly string[]
  readonly type: string
  readonly template_for_dispvms: boolean
  readonly default_dispvm: string | null
  readonly icon: string
  readonly label: string
  readonly guivm: string | null
  readonly relayvm: string | null
  readonly transport_rpc: string | null
  readonly power_state: string
  readonly uuid: string
}

/** Reply of `internal.GetSystemInfo`. */
export interface SystemInfo {
  readonly domains: Readonly<Record<string, SystemInfoDomain>>
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isTextOrNull: Check = (value) => value === null || typeof value === 'string'

const checks: Readonly<Record<keyof SystemInfoDomain, Check>> = {
  internal: isTextOrNull,
  tags: (value) => Array.isArray(value) && value.every(isText),
  type: isText,
  template_for_dispvms: (value) => typeof value === 'boolean',
  default_dispvm: isTextOrNull,
  icon: isText,
  label: isText,
  guivm: isTextOrNull,
  relayvm: isTextOrNull,
  transport_rpc: isTextOrNull,
  power_state: isText,
  uuid: isText,
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isDomain(value: unknown): boolean {
  if (!isObject(value)) return false
  const members = new Map<string, unknown>(Object.entries(value))
  return Object.entries(checks).every(([key, check]) => check(members.get(key)))
}

function isSystemInfo(value: unknown): value is SystemInfo {
  if (!isObject(value) || !('domains' in value)) return false
  return isObject(value.domains) && Object.values(value.domains).every(isDomain)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ProtocolError(msg`the description of the system is not JSON`, { cause })
  }
}

/** The system as JSON. */
export const systemInfo: TextForm<SystemInfo> = {
  syntax: 'a description of the system',
  parse(text) {
    const value = parseJson(text)
    if (!isSystemInfo(value)) throw new ProtocolError(msg`the description of the system lacks something`)
    return value
  },
  format: (info) => JSON.stringify(info),
}
