const most = 80

/** A text from outside, prepared for a message: in quotes, on one line, cut when it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > most ? `${text.slice(0, most)}…` : text)
}
