const most = 80

/** A text from outside as it stands in a message: in quotes, on one line, cut when long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > most ? `${text.slice(0, most)}…` : text)
}
