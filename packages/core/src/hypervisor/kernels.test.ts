import { mkdir, rm, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { setProperty } from '../operations/properties.ts'
import { TestSystem } from '../testing/test-system.ts'

it('a kernel that cannot be used keeps its domains from starting and names the file, and nothing else is affected', async () => {
  await using system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'tmpl')
  const work = await system.create('AppVM', 'work', template)
  const other = await system.create('AppVM', 'other', template)
  const folder = `${system.folder}/kernels/6.2.0`
  await mkdir(folder)
  await writeFile(`${folder}/vmlinuz`, '')
  await setProperty(work, 'kernel', '6.2.0')
  const options = `${folder}/default-kernelopts-common.txt`
  await writeFile(options, 'a=1\nb=2\n')
  await system.reopen()
  const vm = (name: string) => system.app.domains.get(name).lifeCycle
  const reason = `The file ${options} with kernel options must be one line of printable ASCII`
  await expect(vm('work')?.start()).rejects.toThrow(reason)
  expect([...system.app.kernels.faults()]).toEqual([['6.2.0', reason]])
  expect(system.logged).toContainEqual(expect.objectContaining({ level: 'warn', details: { kernel: '6.2.0', reason } }))
  await vm('other')?.start()
  await expect(setProperty(other, 'kernel', '6.2.0')).rejects.toThrow(reason)
  await expect(setProperty(other, 'kernel', '9.9')).rejects.toThrow('9.9')
  expect([...system.app.kernels.faults().keys()]).toEqual(['6.2.0'])
  await rm(options)
  await vm('work')?.start()
  expect([...system.app.kernels.faults()]).toEqual([])
})

it('a folder of kernels that cannot be read does not keep the daemon from starting', async () => {
  await using system = await TestSystem.open()
  await system.kill()
  await rm(`${system.folder}/kernels`, { recursive: true })
  await writeFile(`${system.folder}/kernels`, '')
  await system.reopen()
  expect(system.logged).toContainEqual(
    expect.objectContaining({ level: 'error', message: expect.stringContaining('no kernel can be booted') }),
  )
})

it('kernel options of more than one line are refused when they are set', async () => {
  await using system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'tmpl')
  await expect(setProperty(template, 'kernelopts', 'a=1\nb=2')).rejects.toThrow('must be one line')
})
