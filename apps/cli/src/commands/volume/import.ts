import { required } from '../../argument.ts'
import { openInput } from '../../byte-input.ts'
import { type Command, defineCommand } from '../../command.ts'
import { checked } from '../../image-check.ts'
import { withVolume } from '../../missing.ts'
import { flag, parsed } from '../../option.ts'
import { parseSize, sizeWanted } from '../../sizes.ts'
import { TransferProgress } from '../../transfer-progress.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const importData: Command = defineCommand({
  description: [
    'Replaces the content of a volume of a halted domain with raw data, from a file or from standard input. When the import fails the old content stays.',
    'The volume gets the size of the file or block device. Data from standard input must have exactly as many bytes as the volume, or as --size says.',
  ],
  examples: [
    ['cloister volume import work private backup.img', 'the volume gets the size of the file'],
    ['zcat disk.img.gz | cloister volume import work private - --size 10G', 'from standard input'],
  ],
  arguments: {
    ...volumeArguments,
    file: required('FILE', 'a file, a block device, or "-" for standard input', 'file'),
  },
  options: {
    size: parsed('SIZE', 'resize the volume to this size', parseSize, sizeWanted),
    keepSize: flag('do not resize the volume'),
    raw: flag('import data that look like a disk image of another format byte by byte'),
  },
  async run(context, { domain, volume, file }, { size, keepSize, raw }) {
    const { output, signal } = context
    const input = await openInput(file)
    const data = raw ? input.stream : checked({ name: input.name, override: '--raw' }, input.stream)
    const newSize = size ?? (keepSize ? undefined : input.size)
    let summary: string
    {
      using progress = new TransferProgress(output, `importing ${volume} of ${domain}`, input.size ?? size)
      const options = { signal, ...(newSize !== undefined && { size: newSize }) }
      await withVolume(context, { domain, volume }, (client) =>
        client.domain(domain).importVolume(volume, progress.count(data), options),
      )
      summary = progress.summary()
    }
    if (output.isJson) output.json({ domain, volume, size: newSize ?? null })
    output.done(`${volume} of ${domain} has new content: ${summary}`)
  },
})
