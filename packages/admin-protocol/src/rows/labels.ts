import { asciiText, msg, QubesInvalidLabelValueError } from '@cloister/kit'
import { bothDialects, type CallRow, globalRead, globalWrite } from '../call-row.ts'
import { type InputCodec, noReply, nothing, optional, reply, required } from '../codec.ts'
import { lines } from '../text-forms.ts'
import { colour, labelName, labelReference } from '../values/names.ts'
import { count } from '../values/numbers.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.1 and 9.

const names = reply(lines(labelReference))

/** The colour of a new label. Bytes that are no ASCII are a wrong colour like any other, not a malformed request. */
const newColour: InputCodec<string> = {
  ...required(colour),
  decode(bytes) {
    const text = asciiText(bytes)
    if (text === undefined) throw new QubesInvalidLabelValueError(msg`a colour is 0xRRGGBB, in ASCII`)
    return colour.parse(text)
  },
}

export const labelList: CallRow<string | undefined, undefined, readonly string[]> = {
  ...globalRead,
  key: 'label.List',
  summary: 'Lists the labels, in the order of their indices.',
  admin: { argument: nothing, payload: nothing, reply: names },
  mgmt: { argument: optional(labelReference), payload: nothing, reply: names },
}

export const labelGet: CallRow<string, undefined, string> = {
  ...globalRead,
  key: 'label.Get',
  summary: 'Returns the colour of a label.',
  ...bothDialects({ argument: required(labelReference), payload: nothing, reply: reply(colour) }),
}

export const labelIndex: CallRow<string, undefined, number> = {
  ...globalRead,
  key: 'label.Index',
  summary: 'Returns the index of a label.',
  ...bothDialects({ argument: required(labelReference), payload: nothing, reply: reply(count) }),
}

export const labelCreate: CallRow<string, string, undefined> = {
  ...globalWrite,
  key: 'label.Create',
  summary: 'Makes a label of a colour.',
  ...bothDialects({ argument: required(labelName), payload: newColour, reply: noReply }),
}

export const labelRemove: CallRow<string, undefined, undefined> = {
  ...globalWrite,
  key: 'label.Remove',
  summary: 'Removes a label that no domain has.',
  ...bothDialects({ argument: required(labelReference), payload: nothing, reply: noReply }),
}
