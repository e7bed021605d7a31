import type { CharacterDeviceDefinition, DeviceDefinitions } from '../../../domain-definition.ts'

/** A serial port, console or channel, and the socket that stands for it in the domain's run folder. */
export interface CharacterDevice {
  readonly kind: 'serial' | 'console' | 'channel'
  /** Place among those of its kind. */
  readonly index: number
  readonly definition: CharacterDeviceDefinition
  /** Name of the socket. */
  readonly socket: string
}

/** All character devices of a definition; the first that is a serial port or console is the default console. */
export function characterDevices({ serials, consoles, channels }: DeviceDefinitions): CharacterDevice[] {
  const named = (kind: CharacterDevice['kind'], definitions: readonly CharacterDeviceDefinition[]): CharacterDevice[] =>
    definitions.map((definition, index) => ({ kind, index, definition, socket: `${kind}${index}` }))
  return [...named('serial', serials), ...named('console', consoles), ...named('channel', channels)]
}
