import { SaxesParser } from 'saxes'
import { CloisterError, libvirtCodes } from './errors/cloister-error.ts'
import { msg } from './message.ts'

/** Limits on a document that is read; a document beyond one of them is refused. */
export interface XmlLimits {
  readonly bytes: number
  readonly depth: number
  readonly nodes: number
  readonly attributes: number
}

const defaultLimits: XmlLimits = { bytes: 4 << 20, depth: 64, nodes: 200_000, attributes: 64 }

/** The text is not XML, or is XML that is refused. */
export class XmlError extends CloisterError {
  static override readonly libvirtCode: number = libvirtCodes.xmlError
}

/** One element: a name, attributes in order, and children (elements and text). */
export class XmlElement {
  readonly name: string
  readonly attributes: Map<string, string>
  readonly children: (XmlElement | string)[]

  constructor(
    name: string,
    attributes: Iterable<readonly [string, string]> = [],
    children: (XmlElement | string)[] = [],
  ) {
    this.name = name
    this.attributes = new Map(attributes)
    this.children = children
  }

  /** The elements among the children, of one name if given. */
  elements(name?: string): XmlElement[] {
    return this.children.filter(
      (c): c is XmlElement => typeof c !== 'string' && (name === undefined || c.name === name),
    )
  }

  /** The first child element of that name. */
  child(name: string): XmlElement | undefined {
    return this.elements(name)[0]
  }

  /** The element at the end of a path of names, following the first match at each step. */
  at(...path: readonly string[]): XmlElement | undefined {
    let element: XmlElement | undefined = this
    for (const name of path) element = element?.child(name)
    return element
  }

  attribute(name: string): string | undefined {
    return this.attributes.get(name)
  }

  /** The text directly inside this element. */
  get text(): string {
    return this.children.filter((child) => typeof child === 'string').join('')
  }

  /** The text of a child element, trimmed, or undefined when there is no such child. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text.trim()
  }

  append(...children: (XmlElement | string)[]): this {
    this.children.push(...children)
    return this
  }
}

type AttributeValues = Record<string, string | number | bigint | undefined>

/** Makes an element; attributes and children that are undefined are left out. */
export function xml(
  name: string,
  attributes: AttributeValues = {},
  ...children: (XmlElement | string | number | bigint | undefined)[]
): XmlElement {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined)
  return new XmlElement(
    name,
    given.map(([key, value]) => [key, String(value)] as const),
    children.filter((c) => c !== undefined).map((c) => (c instanceof XmlElement ? c : String(c))),
  )
}

/**
 * Reads a document into a tree. Refuses a DOCTYPE, a document beyond the limits, and text that is not well formed.
 * @throws XmlError
 */
export function parseXml(text: string, limits: Partial<XmlLimits> = {}): XmlElement {
  const most = { ...defaultLimits, ...limits }
  if (text.length > most.bytes) throw new XmlError(msg`XML is longer than ${most.bytes} characters`)
  if (!text.isWellFormed()) throw new XmlError('XML holds half a character')
  const parser = new SaxesParser({ xmlns: false, position: true })
  const open: XmlElement[] = []
  let root: XmlElement | undefined
  let nodes = 0
  const refuse = (reason: string): never => {
    throw new XmlError(msg`XML refused at line ${parser.line}: ${reason}`)
  }
  const count = (): void => {
    if (++nodes > most.nodes) refuse(`more than ${most.nodes} nodes`)
  }
  parser.on('error', (error) => refuse(error.message))
  parser.on('doctype', () => refuse('a DOCTYPE is not accepted'))
  let attributes = 0
  parser.on('opentagstart', () => {
    attributes = 0
    if (open.length >= most.depth) refuse(`nested deeper than ${most.depth}`)
  })
  parser.on('attribute', () => {
    if (++attributes > most.attributes) refuse(`more than ${most.attributes} attributes`)
  })
  parser.on('opentag', (tag) => {
    count()
    const element = new XmlElement(tag.name, Object.entries(tag.attributes))
    open.at(-1)?.append(element)
    root ??= element
    open.push(element)
  })
  parser.on('closetag', () => void open.pop())
  const addText = (content: string): void => {
    count()
    open.at(-1)?.append(content)
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.write(text).close()
  return root ?? refuse('no element')
}

const textEscapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' }
const attributeEscapes: Record<string, string> = {
  ...textEscapes,
  "'": '&apos;',
  '\n': '&#10;',
  '\t': '&#9;',
}

/** Characters that no XML 1.0 document can hold. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const impossible = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/u

function escaped(text: string, pattern: RegExp, table: Record<string, string>): string {
  if (impossible.test(text)) throw new XmlError('a text holds a character that XML cannot express')
  return text.replace(pattern, (character) => table[character] ?? character)
}

/**
 * Writes a tree, indented by two spaces; an element that holds text is written on one line, so that nothing is added to it.
 * @throws XmlError when a text cannot be expressed in XML
 */
export function formatXml(element: XmlElement, indent = ''): string {
  const attributes = [...element.attributes]
    .map(([k, v]) => ` ${k}='${escaped(v, /[&<>'\n\t\r]/g, attributeEscapes)}'`)
    .join('')
  const start = `${indent}<${element.name}${attributes}`
  const children = element.children.filter((child) => typeof child !== 'string' || child.trim() !== '')
  if (children.length === 0) {
    const text = element.text
    return text === '' ? `${start}/>\n` : `${start}>${escaped(text, /[&<>\r]/g, textEscapes)}</${element.name}>\n`
  }
  if (children.some((child) => typeof child === 'string')) {
    const inner = element.children.map((c) =>
      typeof c === 'string' ? escaped(c, /[&<>\r]/g, textEscapes) : formatXml(c).trimEnd(),
    )
    return `${start}>${inner.join('')}</${element.name}>\n`
  }
  const inner = element.elements().map((child) => formatXml(child, `${indent}  `))
  return `${start}>\n${inner.join('')}${indent}</${element.name}>\n`
}
