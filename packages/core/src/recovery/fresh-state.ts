import { msg, StoragePoolException } from '@cloister/kit'
import { createPool, findImages, type Pool, type PoolOptions } from '@cloister/storage'
import type { Intent } from '../changes/intents.ts'
import { AdminVM } from '../domains/admin-vm.ts'
import { defaultLabels } from '../domains/labels.ts'
import { labelOfVM } from '../domains/properties/base-properties.ts'
import { defaultKernel } from '../domains/properties/global-properties.ts'
import type { System } from '../domains/system.ts'
import { StateStoreError } from '../state/state-store.ts'
import { systemPools } from '../storage/pools.ts'

export interface FreshStateOptions {
  readonly stateFolder: string
  readonly kernelsFolder: string
  readonly poolDriver?: string
  /** Begin an empty state although images of domains are in the state folder. */
  readonly acceptEmpty?: boolean
}

/** Creates the objects of a fresh system: the admin domain, the labels, two pools (reference: admin-api, 16; storage-and-lifecycle, A.12). */
export async function makeFreshState(
  app: System,
  { stateFolder, kernelsFolder, poolDriver, acceptEmpty = false }: FreshStateOptions,
): Promise<Intent[]> {
  if (!acceptEmpty) await refuseImages(app, stateFolder)
  const volumes = await volumePool(app, stateFolder, poolDriver)
  const kernels = await setUp(app, 'linux-kernel', systemPools.kernels, { dir_path: kernelsFolder })
  await app.changes.make((unit) => {
    for (const label of defaultLabels) {
      app.labels.load(label)
      unit.put('labels', [label.name], [label.index, label.color])
    }
    const admin = new AdminVM(app)
    admin.load(labelOfVM.name, 'black')
    app.domains.load(admin)
    admin.register(unit)
    for (const pool of [volumes, kernels]) app.pools.register(unit, pool)
    app.global.assign(unit, { name: 'default_pool_kernel' }, systemPools.kernels)
    if (app.kernels.newest) app.global.assign(unit, defaultKernel, app.kernels.newest)
  })
  return []
}

/** Refuses an empty state beside existing images: new domains of the same names would take these images for their own. */
async function refuseImages(app: System, folder: string): Promise<void> {
  const found = await findImages(app.os.files, folder)
  if (found.length === 0) return
  const some = found.slice(0, 3).join(', ')
  throw new StateStoreError(
    'missing',
    msg`The state database ${`${folder}/state.db`} is missing or empty, but images of ${found.length} domains are in ${folder} (${some}${found.length > 3 ? ', …' : ''}). Restore the database from a backup; or start with an empty state, which leaves these images where they are: \`cloisterd --accept-empty\``,
  )
}

/** The pool for volumes: `file-reflink` where the file system can share blocks between files, else `file`. */
async function volumePool(app: System, folder: string, driver: string | undefined): Promise<Pool> {
  const options = { dir_path: folder }
  if (driver !== undefined) return setUp(app, driver, systemPools.volumes, options)
  try {
    return await setUp(app, 'file-reflink', systemPools.volumes, options)
  } catch (error) {
    if (!(error instanceof StoragePoolException)) throw error
    app.log.info('the file system cannot share blocks between files: volumes are copied', { folder })
    return setUp(app, 'file', systemPools.volumes, options)
  }
}

async function setUp(app: System, driver: string, name: string, options: PoolOptions): Promise<Pool> {
  const pool = createPool(driver, name, options, app.os, (text) => app.log.warn(text, { pool: name }))
  await pool.setup()
  return pool
}
