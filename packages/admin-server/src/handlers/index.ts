import type { AnyCallRow } from '@cloister/admin-protocol'
import type { HandledCall } from '../handler.ts'
import { classHandlers } from './classes.ts'
import { deviceHandlers } from './devices.ts'
import { domainHandlers } from './domains.ts'
import { eventHandlers } from './events.ts'
import { featureHandlers } from './features.ts'
import { firewallHandlers } from './firewall.ts'
import { internalHandlers } from './internal.ts'
import { labelHandlers } from './labels.ts'
import { notServedHandlers } from './not-served.ts'
import { poolVolumeHandlers } from './pool-volumes.ts'
import { poolHandlers } from './pools.ts'
import { powerHandlers } from './power.ts'
import { problemHandlers } from './problems.ts'
import { propertyHandlers } from './properties.ts'
import { tagHandlers } from './tags-notes.ts'
import { volumeHandlers } from './volumes.ts'

const all: readonly HandledCall[] = [
  ...classHandlers,
  ...labelHandlers,
  ...domainHandlers,
  ...propertyHandlers,
  ...featureHandlers,
  ...tagHandlers,
  ...powerHandlers,
  ...volumeHandlers,
  ...poolHandlers,
  ...poolVolumeHandlers,
  ...firewallHandlers,
  ...deviceHandlers,
  ...notServedHandlers,
  ...problemHandlers,
  ...eventHandlers,
  ...internalHandlers,
]

/** Each row of the table of calls with its handler. */
export const handlers: ReadonlyMap<AnyCallRow, HandledCall> = new Map(all.map((handled) => [handled.row, handled]))
