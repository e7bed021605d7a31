/** Text as roff takes it: nothing in it is a request, hyphens are hyphens, and what stands in backticks is typed as it is. */
export function roffText(text: string): string {
  const marked = escaped(text).replaceAll(/`([^`]+)`/g, '\\fB$1\\fR')
  return marked.split('\n').map(protectedLine).join('\n')
}

/** Characters beyond ASCII have names of their own. */
function escaped(text: string): string {
  const named = (character: string): string =>
    `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/[^ -~\n]/gu, named)
}

/** A line that begins with a full stop or an apostrophe would be a request. */
function protectedLine(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line
}

/** A word of a macro's arguments. */
export function roffWord(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\(dq')}"`
}

/** A section with its lines. */
export function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`.SH ${roffWord(title)}`, ...lines]
}

/** Paragraphs. */
export function paragraphs(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => ['.PP', roffText(text)])
}

/** A term and, indented below it, what it means. */
export function definition(term: string, meaning: string): readonly string[] {
  return ['.TP', term, roffText(sentence(meaning))]
}

/** Help's half a sentence as a whole one. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.?!]$/.test(begun) ? begun : `${begun}.`
}

/** Text in bold. */
export function bold(text: string): string {
  return `\\fB${roffText(text)}\\fR`
}

/** Text that stands for something else. */
export function italic(text: string): string {
  return `\\fI${roffText(text)}\\fR`
}
