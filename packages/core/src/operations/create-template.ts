import { endFailed } from '@cloister/kit'
import { type AdoptedFormat, adoptImage, type ImageLimits, importFailure, supported } from '@cloister/storage'
import type { BaseVM } from '../domains/base-vm.ts'
import { newUuid } from '../domains/new-uuid.ts'
import type { System } from '../domains/system.ts'
import { TemplateVM } from '../domains/template-vm.ts'
import type { DomainStorage } from '../storage/domain-storage.ts'
import { initialise, install } from './create-domain.ts'

export interface CreateTemplateOptions {
  readonly name: string
  readonly creator: BaseVM
  /** Content of the root volume: raw, or qcow2. */
  readonly image: AsyncIterable<Uint8Array>
  /** Undefined: the format that the image's signature tells, raw when it has none. */
  readonly format?: AdoptedFormat | undefined
  readonly limits: ImageLimits
}

/** Size of a root volume whose image has not come yet. */
const sectorSize = 512n
const labelOfTemplates = 'black'

/** Makes a template whose root is an image (reference: mgmt-dialect, vm.CreateTemplate). What fails leaves nothing. */
export async function createTemplate(app: System, options: CreateTemplateOptions): Promise<BaseVM> {
  const { name, creator } = options
  const reserved = app.domains.reserve(name)
  try {
    const vm = new TemplateVM(app, { name, qid: reserved.qid, uuid: newUuid(app.os.host) })
    initialise(vm, { label: labelOfTemplates, template: undefined })
    await install(vm, { creator, fill: (storage) => fillRoot(app, storage, options) })
    return vm
  } finally {
    reserved.release()
  }
}

async function fillRoot(
  app: System,
  storage: DomainStorage,
  { image, format, limits }: CreateTemplateOptions,
): Promise<void> {
  const root = storage.get('root')
  const path = await supported(root, 'importData')(sectorSize)
  try {
    await adoptImage(app.os, { image, path, format, limits })
  } catch (error) {
    await endFailed(importFailure(root.vid, error), () => supported(root, 'importDataEnd')(false))
  }
  await supported(root, 'importDataEnd')(true)
}
