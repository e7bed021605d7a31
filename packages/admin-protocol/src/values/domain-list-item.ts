import type { TextForm } from '../codec.ts'
import { anyText, oneOf } from '../text-forms.ts'
import { KeyValues } from './key-values.ts'
import { type PowerState, powerStates } from './power-state.ts'

/** A domain as `vm.List` shows it. */
export interface DomainListItem {
  readonly name: string
  readonly klass: string
  readonly state: PowerState
  /** The draft's dialect does not show it. */
  readonly uuid: string | undefined
}

const word = anyText('<word>')
const state = oneOf(powerStates)

function domainListItem(showsUuid: boolean): TextForm<DomainListItem> {
  return {
    syntax: `<name> class=<class> state=<state>${showsUuid ? ' uuid=<uuid>' : ''}`,
    parse(line) {
      const [name = '', ...pairs] = line.split(' ')
      const values = new KeyValues(pairs)
      return {
        name,
        klass: values.get('class', word),
        state: values.get('state', state),
        uuid: values.find('uuid', word),
      }
    },
    // One reply may hold thousands of lines: the text is built without intermediate lists.
    format: ({ name, klass, state, uuid }) => {
      const line = `${name} class=${klass} state=${state}`
      return showsUuid && uuid !== undefined ? `${line} uuid=${uuid}` : line
    },
  }
}

/** A line of `admin.vm.List`. */
export const adminDomainListItem: TextForm<DomainListItem> = domainListItem(true)

/** A line of `mgmt.vm.List`. */
export const mgmtDomainListItem: TextForm<DomainListItem> = domainListItem(false)
