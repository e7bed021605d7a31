import type { DialectName } from '@cloister/admin-protocol'
import type { BaseVM } from '../domains/base-vm.ts'

/** Who asks for a change: the domain that made the call, and the dialect in which it did. */
export interface Actor {
  readonly domain: BaseVM
  readonly dialect: DialectName
}
