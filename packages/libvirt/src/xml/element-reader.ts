import { type Message, msg, type XmlElement } from '@cloister/kit'
import { LibvirtError } from '../error.ts'
import { shown } from '../shown.ts'
import { meaninglessAttributes, meaninglessElements } from './meaningless.ts'

/**
 * Reads one element of domain XML strictly: whatever has not been asked for when the reading is over is refused by its
 * path, so that nothing that was asked for is silently ignored.
 */
export class ElementReader {
  readonly #element: XmlElement
  readonly #parent: ElementReader | undefined
  readonly #attributesRead = new Set<string>()
  readonly #childrenRead = new Set<string>()
  #contentRead = false

  private constructor(element: XmlElement, parent?: ElementReader) {
    this.#element = element
    this.#parent = parent
  }

  /** Reads a document's root with `work`, which must ask for everything that the element may hold. */
  static read<T>(root: XmlElement, work: (reader: ElementReader) => T): T {
    return ElementReader.#read(new ElementReader(root), work)
  }

  static #read<T>(reader: ElementReader, work: (reader: ElementReader) => T): T {
    const value = work(reader)
    reader.#refuseRest()
    return value
  }

  /** The path as messages show it, as `domain/devices/disk[2]`. */
  get path(): string {
    if (!this.#parent) return this.#element.name
    const siblings = this.#parent.#element.elements(this.#element.name)
    const position = siblings.length > 1 ? `[${siblings.indexOf(this.#element) + 1}]` : ''
    return `${this.#parent.path}/${this.#element.name}${position}`
  }

  attribute(name: string): string | undefined {
    this.#attributesRead.add(name)
    return this.#element.attribute(name)
  }

  /** @throws LibvirtError XML_ERROR when it is missing */
  requiredAttribute(name: string): string {
    return this.attribute(name) ?? this.malformed(msg`attribute '${name}' is missing`)
  }

  /** The text inside, as it stands. */
  content(): string {
    this.#contentRead = true
    return this.#element.text
  }

  /** All children of a name. */
  all<T>(name: string, work: (reader: ElementReader, index: number) => T): T[] {
    this.#childrenRead.add(name)
    return this.#element
      .elements(name)
      .map((child, index) => ElementReader.#read(new ElementReader(child, this), (reader) => work(reader, index)))
  }

  /** The child of that name, if there is one. @throws LibvirtError XML_ERROR when there are more */
  one<T>(name: string, work: (reader: ElementReader) => T): T | undefined {
    return this.#single(name, work)?.value
  }

  /** @throws LibvirtError XML_ERROR when it is missing */
  required<T>(name: string, work: (reader: ElementReader) => T): T {
    const { value } = this.#single(name, work) ?? this.malformed(msg`<${name}> is missing`)
    return value
  }

  #single<T>(name: string, work: (reader: ElementReader) => T): { readonly value: T } | undefined {
    if (this.#element.elements(name).length > 1) this.malformed(msg`there is more than one <${name}>`)
    return this.all(name, (reader) => ({ value: work(reader) }))[0]
  }

  /** All child elements, untouched: the caller answers for them. */
  elements(): XmlElement[] {
    for (const { name } of this.#element.elements()) this.#childrenRead.add(name)
    return this.#element.elements()
  }

  /** One of the values that are supported. @throws LibvirtError CONFIG_UNSUPPORTED */
  oneOf<T extends string>(supported: readonly T[], value: string): T {
    const found = supported.find((one) => one === value)
    return found ?? this.unsupported(msg`'${value}' is not supported, only ${supported.join(', ')}`)
  }

  /** The value of an attribute that has a default. @throws LibvirtError CONFIG_UNSUPPORTED */
  choice<T extends string>(attribute: string, supported: readonly T[], absent: NoInfer<T>): T {
    const value = this.attribute(attribute)
    return value === undefined ? absent : this.oneOf(supported, value)
  }

  /** @throws LibvirtError XML_ERROR */
  malformed(why: Message): never {
    throw this.#error('XML_ERROR', why)
  }

  /** @throws LibvirtError CONFIG_UNSUPPORTED */
  unsupported(why: Message): never {
    throw this.#error('CONFIG_UNSUPPORTED', why)
  }

  #error(kind: 'XML_ERROR' | 'CONFIG_UNSUPPORTED', why: Message): LibvirtError {
    const fields = why.fields.map((field) => (typeof field === 'string' ? shown(field) : field))
    const detail = { format: `%s: ${why.format}`, fields: [this.path, ...fields] }
    return new LibvirtError(kind, detail, { domain: 'DOMAIN' })
  }

  /** The path without positions, as the tables have it. */
  get #place(): string {
    return this.#parent ? `${this.#parent.#place}/${this.#element.name}` : this.#element.name
  }

  #refuseRest(): void {
    for (const [name, value] of this.#element.attributes) {
      if (!this.#attributesRead.has(name)) this.#refuseAttribute(name, value)
    }
    for (const child of this.#element.elements()) {
      if (!this.#childrenRead.has(child.name)) this.#refuseChild(child)
    }
    if (!this.#contentRead && this.#element.text.trim() !== '') this.malformed(msg`there is text where none belongs`)
  }

  #refuseAttribute(name: string, value: string): void {
    const entry = meaninglessAttributes.get(`${this.#place}/@${name}`)
    if (entry && (entry.values?.includes(value) ?? true)) return
    this.unsupported(msg`attribute ${name}='${value}' is not supported`)
  }

  #refuseChild(child: XmlElement): void {
    const place = this.#place
    const entry =
      meaninglessElements.get(`${place}/${child.name}`) ??
      meaninglessElements.get(`${place.replace(/[^/]*$/, '*')}/${child.name}`)
    if (entry && (entry.when?.(child) ?? true)) return
    this.unsupported(msg`<${child.name}> is not supported${this.#described(child)}`)
  }

  /** Tells one unsupported device from another that is supported. */
  #described(child: XmlElement): string {
    const attributes = [...child.attributes].map(([name, value]) => ` ${name}='${value}'`).join('')
    return attributes === '' ? '' : ` with${attributes}`
  }
}
