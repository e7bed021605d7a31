import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DomainDefinition } from '../../domain-definition.ts'
import { LibvirtError } from '../../error.ts'
import { testHost } from '../../testing/test-host.ts'
import { parseDomainXml } from '../domain-parse.ts'

export const named = '<name>work</name><memory>1024</memory>'
export const os = '<os><type>hvm</type></os>'

/** The smallest domain, and what a test adds to it. */
export function domain(more = '', attributes = ''): string {
  return `<domain type='qemu' ${attributes}>${named}${os}${more}</domain>`
}

export function withDevices(devices: string): string {
  return domain(`<devices>${devices}</devices>`)
}

export function parse(text: string): DomainDefinition {
  return parseDomainXml(text, testHost)
}

/** A file that holds what such files of users hold. */
export function sample(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, name), 'utf8')
}

export function refusal(text: string): string {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof LibvirtError) return `${error.kind} ${error.str2}`
    throw error
  }
  return 'accepted'
}
