import { notesLimit, vmNotesGet, vmNotesSet } from '@cloister/admin-protocol'
import { utf8Text } from '@cloister/kit'
import { required } from '../argument.ts'
import { openInput, readAllBytes } from '../byte-input.ts'
import { UsageError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { flag, text } from '../option.ts'

async function notesFrom(path: string): Promise<string> {
  const content = utf8Text(await readAllBytes(await openInput(path), notesLimit))
  if (content === undefined) throw new UsageError(`${path} is not UTF-8`)
  return content
}

export const notes: Command = defineCommand({
  description: ["Shows and changes a domain's notes: free text of at most 256,000 bytes."],
  examples: [
    ['cloister notes work', 'print the notes'],
    ['cloister notes work --set "tax return 2024"', 'replace the notes'],
    ['cloister notes work >notes.txt; vi notes.txt; cloister notes work --file notes.txt', 'edit the notes'],
  ],
  arguments: { domain: required('DOMAIN', 'the domain', 'domain') },
  options: {
    set: text('TEXT', 'replace the notes with this text'),
    file: text('FILE', 'replace the notes with the content of a file, or of standard input for "-"', {
      complete: 'file',
    }),
    delete: flag('delete the notes'),
  },
  async run(context, { domain: dest }, options) {
    const { output } = context
    const ways = [options.set !== undefined, options.file !== undefined, options.delete].filter(Boolean)
    if (ways.length > 1) throw new UsageError('--set, --file and --delete exclude each other')
    const client = await connect(context)
    if (ways.length === 0) {
      const found = await client.call(vmNotesGet, { dest })
      if (output.isJson) output.json({ domain: dest, notes: found })
      else if (found !== '') output.line(found.replace(/\n$/, ''))
      return
    }
    const payload = options.delete
      ? ''
      : options.file === undefined
        ? (options.set ?? '')
        : await notesFrom(options.file)
    await client.call(vmNotesSet, { dest, payload })
    if (output.isJson) output.json({ domain: dest, notes: payload })
    output.done(payload === '' ? `${dest} has no notes now` : `the notes of ${dest} were replaced`)
  },
})
