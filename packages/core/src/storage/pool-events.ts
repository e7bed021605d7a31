import type { Pool } from '@cloister/storage'

/** Events of the changes of pools (reference: admin-api, 6.2). */
export interface PoolEvents {
  'pool-add': { readonly pool: Pool }
  'pool-pre-delete': { readonly pool: Pool }
  'pool-delete': { readonly pool: Pool }
}
