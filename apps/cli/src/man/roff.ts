/** Text in roff: no line is a request, hyphens stay hyphens, and text in backticks is bold. */
export function roffText(text: string): string {
  const marked = escaped(text).replaceAll(/`([^`]+)`/g, '\\fB$1\\fR')
  return marked.split('\n').map(protectedLine).join('\n')
}

/** The text with characters beyond ASCII as roff names them, by code point. */
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

/** The text as one argument of a macro. */
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

/** The text with a capital at its beginning and a full stop at its end. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.?!]$/.test(begun) ? begun : `${begun}.`
}

/** Text in bold. */
export function bold(text: string): string {
  return `\\fB${roffText(text)}\\fR`
}

/** Text in italics: a placeholder. */
export function italic(text: string): string {
  return `\\fI${roffText(text)}\\fR`
}
