import { crc32 } from 'node:zlib'

/** How many rows a table has, and the sum of their checksums modulo 2^48: the same for every order of the rows. */
export interface TableSum {
  readonly rows: number
  readonly sum: number
}

const modulus = 2 ** 48

/** The checksum of one row: of its table's name and of all its cells, key first. */
export function rowChecksum(table: string, cells: readonly unknown[]): number {
  return crc32(`${table}${JSON.stringify(cells)}`)
}

/** A sum with one more checksum, or one less (`-checksum`). */
export function addChecksum(sum: number, checksum: number): number {
  return (sum + checksum + modulus) % modulus
}

/**
 * The sums of all tables. SQLite does not notice every flipped bit: the stored sums show that a row was changed, lost or
 * brought back by something other than a commit.
 */
export class RowSums {
  readonly #sums: Map<string, TableSum>

  constructor(sums: Iterable<readonly [table: string, TableSum]> = []) {
    this.#sums = new Map(sums)
  }

  copy(): RowSums {
    return new RowSums(this.#sums)
  }

  add(table: string, cells: readonly unknown[]): void {
    const { rows, sum } = this.of(table)
    this.#sums.set(table, { rows: rows + 1, sum: addChecksum(sum, rowChecksum(table, cells)) })
  }

  subtract(table: string, cells: readonly unknown[]): void {
    const { rows, sum } = this.of(table)
    this.#sums.set(table, { rows: rows - 1, sum: addChecksum(sum, -rowChecksum(table, cells)) })
  }

  of(table: string): TableSum {
    return this.#sums.get(table) ?? { rows: 0, sum: 0 }
  }

  /** As JSON, for storage: `{"table":[rows,sum]}`. */
  format(): string {
    return JSON.stringify(Object.fromEntries([...this.#sums].map(([table, { rows, sum }]) => [table, [rows, sum]])))
  }

  /** @throws Error when the text is not what `format` writes */
  static parse(text: string): RowSums {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) throw new Error('the sums are no object')
    return new RowSums(
      Object.entries(parsed).map(([table, pair]: [string, unknown]) => {
        if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isSafeInteger))
          throw new Error(`the sum of ${table} is no pair of numbers`)
        return [table, { rows: pair[0], sum: pair[1] }] as const
      }),
    )
  }
}
