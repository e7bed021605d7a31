import type { FoundCall } from '@cloister/admin-protocol'
import type { BaseVM } from '@cloister/core'
import { CloisterError, errorText, type Log, type Untrusted } from '@cloister/kit'

/** A call as it is logged. */
export interface AuditedCall {
  readonly found: FoundCall
  readonly source: BaseVM
  readonly destination: BaseVM
  readonly argument: Untrusted<Uint8Array>
}

/** Characters of an argument that are logged. */
const shownArgument = 128

/** Logs every call that changes or executes something, and every refusal; with `reads` also calls that only read. */
export class Audit {
  readonly #log: Log
  readonly #reads: boolean

  constructor(log: Log, reads: boolean) {
    this.#log = log
    this.#reads = reads
  }

  succeeded({ found, source, destination, argument }: AuditedCall): void {
    if (found.row.effect === 'read' && !this.#reads) return
    this.#log.info('call', {
      call: found.name,
      argument: shown(argument),
      source: source.name,
      destination: destination.name,
    })
  }

  /** A call that was refused early has no source or destination yet. */
  refused(call: Partial<AuditedCall> & { readonly method: string }, error: unknown): void {
    this.#log.info('call refused', {
      call: shownText(call.method),
      ...(call.argument && { argument: shown(call.argument) }),
      source: call.source?.name,
      destination: call.destination?.name,
      type: error instanceof CloisterError ? error.wireType : 'internal',
      reason: errorText(error),
    })
  }
}

/** The beginning of an argument, with `_` for every byte that is not printable ASCII. */
function shown(argument: Untrusted<Uint8Array>): string {
  return argument.parse((bytes) => shownText(String.fromCharCode(...bytes.subarray(0, shownArgument))))
}

function shownText(text: string): string {
  return text.slice(0, shownArgument).replace(/[^\x20-\x7e]/g, '_')
}
