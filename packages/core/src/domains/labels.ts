import {
  msg,
  ProtocolError,
  parseInteger,
  QubesInvalidLabelError,
  QubesInvalidLabelValueError,
  QubesLabelInUseError,
  QubesLabelNotFoundError,
} from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { ReferenceIndex } from '../properties/reference-index.ts'

/** A colour that says how far a domain is trusted. */
export interface Label {
  readonly name: string
  readonly index: number
  /** `0xrrggbb`. */
  readonly color: string
}

/** Labels up to this index are always there (reference: admin-api, 9). */
const lastBuiltIn = 8

/**
 * The label that stands in lists for a label that cannot be read: the least trusted one, so that the domain is not trusted by
 * mistake. A backup whose label is unknown is restored with it, too (reference: firewall-devices-backup, restore).
 */
export const labelOfUnknown: Label = { index: 1, name: 'red', color: '0xcc0000' }

export const defaultLabels: readonly Label[] = [
  labelOfUnknown,
  { index: 2, name: 'orange', color: '0xf57900' },
  { index: 3, name: 'yellow', color: '0xedd400' },
  { index: 4, name: 'green', color: '0x73d216' },
  { index: 5, name: 'gray', color: '0x555555' },
  { index: 6, name: 'blue', color: '0x3465a4' },
  { index: 7, name: 'purple', color: '0x75507b' },
  { index: 8, name: 'black', color: '0x000000' },
]

/** The labels of the system. Changing them fires no event (reference: admin-api, 6.2). */
export class Labels {
  readonly #byIndex = new Map<number, Label>()
  readonly #byName = new Map<string, Label>()

  /** In the order of their indices. */
  list(): Label[] {
    return [...this.#byIndex.values()].sort((a, b) => a.index - b.index)
  }

  /** By name. */
  find(name: string): Label | undefined {
    return this.#byName.get(name)
  }

  /** By name, or by index in decimal. @throws QubesLabelNotFoundError */
  get(reference: string): Label {
    const index = parseInteger(reference)
    const label = this.find(reference) ?? (index === undefined ? undefined : this.#byIndex.get(index))
    if (!label) throw new QubesLabelNotFoundError(msg`There is no label ${reference}: \`cloister label ls\` lists them`)
    return label
  }

  /** The label that the value of a property names: by name, else by index, which may be written `label-3`. @throws QubesLabelNotFoundError */
  fromProperty(value: string): Label {
    return this.find(value) ?? this.get(value.replace(/^label-(?=\d+$)/, ''))
  }

  /** Adds a label that was read from storage. */
  load(label: Label): void {
    this.#byIndex.set(label.index, label)
    this.#byName.set(label.name, label)
  }

  create(unit: ChangeUnit, name: string, color: string): Label {
    if (!/^[A-Za-z0-9_.-]+$/.test(name) || /^\d+$/.test(name)) {
      throw new QubesInvalidLabelError(
        msg`The label ${name} cannot be created: a name has letters, digits, and _.-, and not digits alone`,
      )
    }
    if (!/^0x[0-9a-fA-F]{6}$/.test(color))
      throw new QubesInvalidLabelValueError(msg`Invalid colour ${color}: it must be 0x and six hexadecimal digits`)
    if (this.#byName.has(name)) throw new QubesLabelInUseError(msg`The label ${name} cannot be created: it exists`)
    const label = { name, color, index: Math.max(lastBuiltIn, ...this.#byIndex.keys()) + 1 }
    this.load(label)
    unit.onRollback(() => this.#forget(label))
    unit.put('labels', [name], [label.index, color])
    return label
  }

  /** @throws QubesLabelInUseError while a domain has the label */
  remove(unit: ChangeUnit, name: string, references: ReferenceIndex): void {
    const label = this.get(name)
    if (label.index <= lastBuiltIn)
      throw new ProtocolError(msg`The label ${label.name} is built in and cannot be removed`)
    if (references.has(label))
      throw new QubesLabelInUseError(msg`The label ${label.name} is in use: give its domains another one first`)
    this.#forget(label)
    unit.onRollback(() => this.load(label))
    unit.delete('labels', [label.name])
  }

  #forget(label: Label): void {
    this.#byIndex.delete(label.index)
    this.#byName.delete(label.name)
  }
}
