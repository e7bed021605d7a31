/** One step to take back, with the words that say what failed when it cannot be taken back. */
interface Step {
  readonly what: string
  readonly undo: () => Promise<unknown> | unknown
}

/**
 * What an operation must take back when it fails: each step that succeeded adds how to undo it. Made with `await using`; when
 * the scope is left before `commit`, the steps are undone, the last one first. A step that cannot be undone does not keep the
 * others from being undone: `onFailure` is told, and the error of the operation stays the one that the caller gets.
 */
export class UndoStack implements AsyncDisposable {
  readonly #onFailure: (what: string, error: unknown) => void
  #steps: Step[] = []

  /** @param onFailure is told what could not be undone, and why; it must not throw */
  constructor(onFailure: (what: string, error: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** Adds a step that was taken. `what` names the step in the log when it cannot be undone. */
  add(what: string, undo: () => Promise<unknown> | unknown): void {
    this.#steps.push({ what, undo })
  }

  /** The operation succeeded: nothing is undone any more. */
  commit(): void {
    this.#steps = []
  }

  /** Undoes all steps now, the last one first. */
  async undo(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.undo()
      } catch (error) {
        this.#onFailure(step.what, error)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.undo()
  }
}
