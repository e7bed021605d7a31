import { bothDialects, type CallRow, headerAllowance, localRead, localWrite } from '../call-row.ts'
import { noReply, nothing, optional, reply, required } from '../codec.ts'
import { anyText, lines } from '../text-forms.ts'
import { oneOrZero } from '../values/boolean-words.ts'
import { tag } from '../values/names.ts'
import { notes, notesLimit } from '../values/notes.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.4 and 8.

const names = reply(lines(tag))

export const vmTagList: CallRow<string | undefined, undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.tag.List',
  summary: 'Lists the tags of a domain, sorted.',
  admin: { argument: nothing, payload: nothing, reply: names },
  mgmt: { argument: optional(tag), payload: nothing, reply: names },
}

export const vmTagGet: CallRow<string, undefined, boolean> = {
  ...localRead,
  key: 'vm.tag.Get',
  summary: 'Returns whether a domain has a tag.',
  ...bothDialects({ argument: required(tag), payload: nothing, reply: reply(oneOrZero) }),
}

export const vmTagSet: CallRow<string, undefined, undefined> = {
  ...localWrite,
  key: 'vm.tag.Set',
  summary: 'Gives a domain a tag.',
  ...bothDialects({ argument: required(tag), payload: nothing, reply: noReply }),
}

export const vmTagRemove: CallRow<string, undefined, undefined> = {
  ...localWrite,
  key: 'vm.tag.Remove',
  summary: 'Takes a tag from a domain.',
  ...bothDialects({ argument: required(tag), payload: nothing, reply: noReply }),
}

export const vmNotesGet: CallRow<undefined, undefined, string> = {
  ...localRead,
  key: 'vm.notes.Get',
  summary: "Returns a domain's notes.",
  destination: 'domain',
  admin: { argument: nothing, payload: nothing, reply: reply(anyText('<text>')) },
}

export const vmNotesSet: CallRow<undefined, string, undefined> = {
  ...localWrite,
  key: 'vm.notes.Set',
  summary: "Replaces a domain's notes; the empty text deletes them.",
  destination: 'domain',
  limit: notesLimit + headerAllowance,
  admin: { argument: nothing, payload: notes, reply: noReply },
}
