import type { Json } from './json.ts'
import { type ListColumn, unknownCell } from './list-output.ts'
import type { Reading } from './object-failures.ts'

/** An object of a list with what was read of it. */
export interface ReadRow<I> {
  readonly reading: Reading<I>
}

/** How a column is shown beyond its key and its value; `show` is the text for people. */
type Look<I> = Pick<ListColumn<I>, 'align' | 'title'> & { readonly show?: (info: I) => string }

/** A column of what was read of an object; where that could not be read it is shown as unknown. */
export function readingColumn<I>(
  key: string,
  value: (info: I) => Json,
  { show, ...look }: Look<I> = {},
): ListColumn<ReadRow<I>> {
  return {
    key,
    ...look,
    value: ({ reading }) => ('value' in reading ? value(reading.value) : null),
    show: ({ reading }) => {
      if (!('value' in reading)) return unknownCell
      return show === undefined ? undefined : { text: show(reading.value) }
    },
  }
}
