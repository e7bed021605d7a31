import type { VMClass } from '@cloister/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestPipeline } from '../testing/test-pipeline.ts'

// The calls by which `qvm-clone` copies a domain, in its order (reference: admin-api, 15.4).

let pipeline: TestPipeline

beforeEach(async () => {
  pipeline = await TestPipeline.open()
  const template = await pipeline.system.create('TemplateVM', 'tmpl')
  await pipeline.system.create('AppVM', 'dvm', template)
  await call('admin.vm.property.Set+template_for_dispvms', 'dvm', 'True')
})
afterEach(() => pipeline[Symbol.asyncDispose]())

/** An exception, as a client sees it. */
class Answered extends Error {
  readonly type: string

  constructor(type: string, call: string) {
    super(`${call}: ${type}`)
    this.type = type
  }
}

/** The content of the reply. @throws Answered */
async function call(name: string, destination = 'dom0', payload = ''): Promise<string> {
  const reply = await pipeline.ask(name, { destination, payload })
  if (reply.startsWith('2|')) throw new Answered(reply.split('|')[1] ?? '', name)
  return reply.slice(2)
}

async function list(name: string, destination = 'dom0'): Promise<string[]> {
  return (await call(name, destination)).split('\n').filter((line) => line !== '')
}

/** Types that are an AttributeError in the client, after which it copies the next property. */
const attributeErrors = new Set(['QubesNoSuchPropertyError'])
const neverCopied = new Set(['name', 'qid', 'template', 'label', 'uuid', 'installed_by_rpm'])

async function copyProperties(from: string, to: string): Promise<void> {
  for (const name of await list('admin.vm.property.List', from)) {
    if (neverCopied.has(name)) continue
    const [isDefault, , ...value] = (await call(`admin.vm.property.Get+${name}`, from)).split(' ')
    if (isDefault === 'default=True') continue
    try {
      await call(`admin.vm.property.Set+${name}`, to, value.join(' '))
    } catch (error) {
      if (!(error instanceof Answered) || !attributeErrors.has(error.type)) throw error
    }
  }
}

async function copyRecords(from: string, to: string): Promise<void> {
  for (const tag of await list('admin.vm.tag.List', from))
    if (!tag.startsWith('created-by-')) await call(`admin.vm.tag.Set+${tag}`, to)
  for (const feature of await list('admin.vm.feature.List', from))
    await call(`admin.vm.feature.Set+${feature}`, to, await call(`admin.vm.feature.Get+${feature}`, from))
  const notes = await call('admin.vm.notes.Get', from)
  if (notes) await call('admin.vm.notes.Set', to, notes)
  await call('admin.vm.firewall.Set', to, await call('admin.vm.firewall.Get', from))
}

async function copyVolumes(from: string, to: string): Promise<void> {
  for (const volume of (await list('admin.vm.volume.List', to)).sort()) {
    if (!(await list(`admin.vm.volume.Info+${volume}`, to)).includes('save_on_stop=True')) continue
    const token = await call(`admin.vm.volume.CloneFrom+${volume}`, from)
    await call(`admin.vm.volume.CloneTo+${volume}`, to, token)
  }
}

async function clone(klass: VMClass, from: string, template: string): Promise<void> {
  await call(`admin.vm.Create.${klass}+${template}`, 'dom0', 'name=copy label=green')
  await copyProperties(from, 'copy')
  await copyRecords(from, 'copy')
  await copyVolumes(from, 'copy')
  for (const devices of await list('admin.deviceclass.List'))
    expect(await call(`admin.vm.device.${devices}.Assigned`, from)).toBe('')
}

describe.each([
  ['TemplateVM', 'tmpl', ''],
  ['AppVM', 'work', 'tmpl'],
  ['StandaloneVM', 'work', ''],
  ['DispVM', 'work', 'dvm'],
] as const)('a %s', (klass, name, template) => {
  it('is copied by a client, with all that was set of it', async () => {
    const { system } = pipeline
    if (name === 'work') await system.create(klass, name, template ? system.app.domains.get(template) : undefined)
    await call('admin.vm.property.Set+memory', name, '555')
    await call('admin.vm.tag.Set+t', name)
    await call('admin.vm.feature.Set+f', name, '1')
    await call('admin.vm.notes.Set', name, 'a note')
    await call('admin.vm.firewall.Set', name, 'action=drop\n')
    await clone(klass, name, template)
    expect(await call('admin.vm.property.Get+memory', 'copy')).toBe('default=False type=int 555')
    expect(await list('admin.vm.tag.List', 'copy')).toEqual(await list('admin.vm.tag.List', name))
    expect(await call('admin.vm.feature.Get+f', 'copy')).toBe('1')
    expect(await call('admin.vm.notes.Get', 'copy')).toBe('a note')
    expect(await call('admin.vm.firewall.Get', 'copy')).toBe('action=drop\n')
  })
})
