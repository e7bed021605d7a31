/** Most characters of a foreign text that a message quotes. */
const most = 120

/** A foreign text as a message quotes it: cut short when it is long. */
export function shown(text: string): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
