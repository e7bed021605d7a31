import { vmCreateTemplate, vmCreateTemplateAs } from '@cloister/admin-protocol'
import { qcow2Format } from '@cloister/kit'
import { required } from '../argument.ts'
import { openInput } from '../byte-input.ts'
import { type Command, type CommandGroup, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { checked } from '../image-check.ts'
import { choice } from '../option.ts'
import { TransferProgress } from '../transfer-progress.ts'

const importImage: Command = defineCommand({
  description: [
    'Makes a template whose root volume holds an image, from a file or from standard input: raw, as a disk would hold it, or qcow2, which the daemon checks and converts.',
    'The format is told by the first and last bytes of the image: an image of another known format (VHDX, VDI, VMDK, a compressed file, …) is refused with the command that converts it, anything unknown is raw. --format says the format in their place.',
    'When the import fails no template is left.',
  ],
  examples: [
    ['cloister template import debian-12 debian-12.qcow2', 'from a file'],
    ['zstdcat debian-12.img.zst | cloister template import debian-12 -', 'unpacked on the way'],
    ['cloister template import installer cd.iso --format raw', 'an image that is not recognised as a disk'],
  ],
  arguments: {
    name: required('NAME', 'name of the template'),
    image: required('IMAGE', 'a file, or "-" for standard input', 'file'),
  },
  options: {
    format: choice('FORMAT', 'take the image as one of this format, whatever it looks like', ['raw', 'qcow2']),
  },
  async run(context, { name, image }, { format }) {
    const { output, signal } = context
    const client = await connect(context)
    const input = await openInput(image)
    const check = { name: input.name, accepted: qcow2Format, override: '--format raw' }
    const data = format === undefined ? checked(check, input.stream) : input.stream
    let summary: string
    {
      using progress = new TransferProgress(output, `importing ${name}`, input.size)
      const options = { argument: name, stream: progress.count(data), signal }
      if (format === undefined) await client.call(vmCreateTemplate, options)
      else await client.call(vmCreateTemplateAs, { ...options, variant: format })
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
