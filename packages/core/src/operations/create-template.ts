import { type AdoptedFormat, adoptImage } from '@cloister/storage'
import type { App } from '../app.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import type { DomainStorage } from '../domains/domain-storage.ts'
import { TemplateVM } from '../domains/template-vm.ts'
import { initialise, install } from './create-domain.ts'

export interface CreateTemplateOptions {
  readonly name: string
  readonly creator: BaseVM
  /** Content of the root volume: raw, or qcow2. */
  readonly image: AsyncIterable<Uint8Array>
  /** Undefined: the format that the image's signature tells, raw when it has none. */
  readonly format?: AdoptedFormat | undefined
}

/** Size of a root volume whose image has not come yet. */
const sectorSize = 512n
const labelOfTemplates = 'black'

/** Makes a template whose root is an image (reference: mgmt-dialect, vm.CreateTemplate). What fails leaves nothing. */
export async function createTemplate(app: App, { name, creator, ...source }: CreateTemplateOptions): Promise<BaseVM> {
  const reserved = app.domains.reserve(name)
  try {
    const vm = new TemplateVM(app, { name, qid: reserved.qid, uuid: app.newUuid() })
    initialise(vm, { label: labelOfTemplates, template: undefined })
    await install(vm, { creator, fill: (storage) => fillRoot(app, storage, source) })
    return vm
  } finally {
    reserved.release()
  }
}

async function fillRoot(
  app: App,
  storage: DomainStorage,
  { image, format }: Pick<CreateTemplateOptions, 'image' | 'format'>,
): Promise<void> {
  const root = storage.get('root')
  const path = await root.importData(sectorSize)
  try {
    await adoptImage(app.os, { image, path, format, limits: app.imageLimits })
  } catch (error) {
    await root.importDataEnd(false).catch((failure: unknown) => {
      app.log.warn('dropping an import that failed has failed too', { volume: root.vid, error: failure })
    })
    throw error
  }
  await root.importDataEnd(true)
}
