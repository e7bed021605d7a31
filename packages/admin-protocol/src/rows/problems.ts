import { type CallRow, globalRead } from '../call-row.ts'
import { nothing, reply } from '../codec.ts'
import { lines } from '../text-forms.ts'
import { type Problem, problemLine } from '../values/problem.ts'

// Every row says in `summary` what its call does.

/** A call that neither reference has. */
export const problemList: CallRow<undefined, undefined, readonly Problem[]> = {
  ...globalRead,
  key: 'cloister.Problems',
  summary:
    'Lists what is wrong and can be mended: damaged values, pools out of reach, unusable kernels, guests paused by a fault.',
  plain: { argument: nothing, payload: nothing, reply: reply(lines(problemLine)) },
}
