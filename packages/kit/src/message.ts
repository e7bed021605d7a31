/** A value that can stand in a message. */
export type Field = string | number | bigint

/**
 * The text of an error as a constant format and its variable parts, so that a client can translate the format. The format
 * is in Python's `%` notation, as the wire wants it: `%s` where a field stands, `%%` for a percent sign.
 */
export interface Message {
  readonly format: string
  readonly fields: readonly Field[]
}

/** Tag for template literals: ``msg`No such domain: ${name}` ``. */
export function msg(parts: TemplateStringsArray, ...fields: readonly Field[]): Message {
  return { format: parts.map((part) => part.replaceAll('%', '%%')).join('%s'), fields }
}

/** The message as one text, with its fields in place. */
export function messageText({ format, fields }: Message): string {
  let next = 0
  return format.replace(/%[s%]/g, (mark) => (mark === '%%' ? '%' : String(fields[next++] ?? '')))
}

/** A plain text as a message without fields. */
export function plainMessage(text: string): Message {
  return { format: text.replaceAll('%', '%%'), fields: [] }
}
