import { type Message, msg, type XmlElement } from '@cloister/kit'
import { LibvirtError } from '../error.ts'
import { findPassedOver, isPassedOver } from './passed-over.ts'
import { refusalReasons } from './refusal-reasons.ts'
import { located, Refusals } from './refusals.ts'

/** Ends the reading of one element whose refusal is recorded. */
class ElementRefused extends Error {}

/**
 * Reads one element of domain XML strictly: every attribute, child and text that `work` has not asked for is refused by its
 * path, unless `passed-over.ts` lists it. Refusals are collected, so that one error tells all of them; a malformed value ends
 * the reading at once.
 */
export class ElementReader {
  readonly #element: XmlElement
  readonly #parent: ElementReader | undefined
  readonly #refusals: Refusals
  readonly #attributesRead = new Set<string>()
  readonly #childrenRead = new Set<string>()
  #contentRead = false

  private constructor(element: XmlElement, refusals: Refusals, parent?: ElementReader) {
    this.#element = element
    this.#refusals = refusals
    this.#parent = parent
  }

  /**
   * Reads a document's root with `work`, which must ask for everything that the element may hold.
   * @throws LibvirtError XML_ERROR for the first malformed value, CONFIG_UNSUPPORTED with everything that was refused
   */
  static read<T>(root: XmlElement, work: (reader: ElementReader) => T): T {
    const refusals = new Refusals()
    const result = ElementReader.#read(new ElementReader(root, refusals), work)
    refusals.throwIfAny()
    if (!result) throw new LibvirtError('INTERNAL_ERROR', 'domain XML was refused without a reason')
    return result.value
  }

  /** The value that `work` returns, or undefined when the element is refused as a whole. */
  static #read<T>(reader: ElementReader, work: (reader: ElementReader) => T): { readonly value: T } | undefined {
    try {
      const value = work(reader)
      reader.#refuseRest()
      return { value }
    } catch (error) {
      if (error instanceof ElementRefused) return undefined
      throw error
    }
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

  /** All children of a name, without those that are refused as a whole. */
  all<T>(name: string, work: (reader: ElementReader, index: number) => T): T[] {
    this.#childrenRead.add(name)
    return this.#element.elements(name).flatMap((child, index) => {
      const result = ElementReader.#read(this.#reader(child), (reader) => work(reader, index))
      return result ? [result.value] : []
    })
  }

  /**
   * The child of that name; undefined when there is none or it is refused as a whole.
   * @throws LibvirtError XML_ERROR when there are more
   */
  one<T>(name: string, work: (reader: ElementReader) => T): T | undefined {
    return this.#single(name, work)?.value
  }

  /** The child of that name. An element whose required child is refused is refused with it. @throws LibvirtError XML_ERROR */
  required<T>(name: string, work: (reader: ElementReader) => T): T {
    const single = this.#single(name, work)
    if (single) return single.value
    if (this.#element.child(name)) throw new ElementRefused()
    return this.malformed(msg`<${name}> is missing`)
  }

  #single<T>(name: string, work: (reader: ElementReader) => T): { readonly value: T } | undefined {
    if (this.#element.elements(name).length > 1) this.malformed(msg`there is more than one <${name}>`)
    return this.all(name, (reader) => ({ value: work(reader) }))[0]
  }

  /** True when there is a child of that name, whatever is in it; the child counts as not read. */
  has(name: string): boolean {
    return this.#element.child(name) !== undefined
  }

  /** True when there is neither an attribute nor a child element. */
  get isEmpty(): boolean {
    return this.#element.attributes.size === 0 && this.#element.elements().length === 0
  }

  /** All child elements, untouched: the caller answers for them. */
  elements(): XmlElement[] {
    for (const { name } of this.#element.elements()) this.#childrenRead.add(name)
    return this.#element.elements()
  }

  /** One of the values that are supported; another is refused, and the first of them stands in its place. */
  oneOf<T extends string>(supported: readonly [T, ...T[]], value: string): T {
    const found = supported.find((one) => one === value)
    if (found === undefined) this.refuse(notAmong(value, supported))
    return found ?? supported[0]
  }

  /** As {@link oneOf}, for the value that decides what all the rest of the element means: the element is refused with it. */
  kind<T extends string>(supported: readonly T[], value: string): T {
    return supported.find((one) => one === value) ?? this.refuseWhole(notAmong(value, supported))
  }

  /** The value of an attribute that has a default. */
  choice<T extends string>(attribute: string, supported: readonly [T, ...T[]], absent: NoInfer<T>): T {
    const value = this.attribute(attribute)
    return value === undefined ? absent : this.oneOf(supported, value)
  }

  /** @throws LibvirtError XML_ERROR */
  malformed(why: Message): never {
    throw new LibvirtError('XML_ERROR', located(this.path, why), { domain: 'DOMAIN' })
  }

  /** Records that no driver can honour something; the reading continues, and ends in CONFIG_UNSUPPORTED. */
  refuse(why: Message): void {
    this.#refusals.add(this.path, why)
  }

  /** As {@link refuse}, and ends the reading of this element. */
  refuseWhole(why: Message): never {
    this.refuse(why)
    throw new ElementRefused()
  }

  #reader(child: XmlElement): ElementReader {
    return new ElementReader(child, this.#refusals, this)
  }

  /** The path without positions, as the tables have it. */
  get #place(): string {
    return this.#parent ? `${this.#parent.#place}/${this.#element.name}` : this.#element.name
  }

  #refuseRest(): void {
    for (const [name, value] of this.#element.attributes) {
      if (this.#attributesRead.has(name) || isPassedOver(this.#place, name, value)) continue
      this.refuse(msg`attribute ${name}='${value}' is not supported${reason(`${this.#place}/@${name}`)}`)
    }
    for (const child of this.#element.elements()) {
      if (!this.#childrenRead.has(child.name)) this.#refuseOrPassOver(child)
    }
    if (!this.#contentRead && this.#element.text.trim() !== '') this.malformed(msg`there is text where none belongs`)
  }

  #refuseOrPassOver(child: XmlElement): void {
    const place = `${this.#place}/${child.name}`
    const entry = findPassedOver(place, child)
    if (entry) ElementReader.#read(this.#reader(child), (reader) => reader.#passOver(entry.text ?? false))
    else this.refuse(msg`<${child.name}> is not supported${described(child)}${reason(place)}`)
  }

  /** Counts the attributes, and the text if it may be anything, as read; children are looked up in the table one by one. */
  #passOver(text: boolean): void {
    for (const name of this.#element.attributes.keys()) this.#attributesRead.add(name)
    this.#contentRead = text
  }
}

function notAmong(value: string, supported: readonly string[]): Message {
  return msg`'${value}' is not supported, only ${supported.join(', ')}`
}

/** The attributes, which tell one unsupported device from another that is supported. */
function described(element: XmlElement): string {
  const attributes = [...element.attributes].map(([name, value]) => ` ${name}='${value}'`).join('')
  return attributes === '' ? '' : ` with${attributes}`
}

function reason(place: string): string {
  const known = refusalReasons.get(place)
  return known === undefined ? '' : `: ${known}`
}
