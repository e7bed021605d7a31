import { vmCreateTemplate } from '@cloister/admin-protocol'
import { required } from '../argument.ts'
import { openInput } from '../byte-input.ts'
import { type Command, type CommandGroup, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { checked, qcow2 } from '../image-check.ts'
import { flag } from '../option.ts'
import { TransferProgress } from '../transfer-progress.ts'

const importImage: Command = defineCommand({
  description: [
    'Makes a template whose root volume holds an image, from a file or from standard input: raw, as a disk would hold it, or qcow2, which the daemon converts.',
    'When it breaks off no template is left.',
  ],
  examples: [
    ['cloister template import debian-12 debian-12.qcow2', 'from a file'],
    ['zstdcat debian-12.img.zst | cloister template import debian-12 -', 'unpacked on the way'],
  ],
  arguments: {
    name: required('NAME', 'name of the template'),
    image: required('IMAGE', 'a file, or "-" for standard input', 'file'),
  },
  options: { raw: flag('take the data as they are, whatever they look like') },
  async run(context, { name, image }, { raw }) {
    const { output, signal } = context
    const client = await connect(context)
    const input = await openInput(image)
    const data = raw ? input.stream : checked(input.name, input.stream, [qcow2])
    let summary: string
    {
      using progress = new TransferProgress(output, `importing ${name}`, input.size)
      await client.call(vmCreateTemplate, { argument: name, stream: progress.count(data), signal })
      summary = progress.summary()
    }
    if (output.isJson) output.json({ name, class: 'TemplateVM' })
    output.done(`template ${name} made: ${summary}`)
  },
})

export const template: CommandGroup = {
  description: ['Templates hold the root volume that the AppVMs made from them begin with at each start.'],
  examples: [],
  commands: [{ name: 'import', summary: 'make a template from an image', command: importImage }],
}
