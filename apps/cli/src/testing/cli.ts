import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../../../../bin/cloister', import.meta.url))

/** The result of a run of the command. */
export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Standard input; empty when not given. */
  readonly input?: string | Uint8Array | Readable
  readonly env?: Readonly<Record<string, string>>
  /** Called with each piece of standard output, and a way to signal the process. */
  readonly onOutput?: (piece: string, signal: (name: NodeJS.Signals) => void) => void
}

/** The text as one word of a shell command. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** The command `cloister` as a person or a script runs it: a process of its own. */
export class Cli {
  readonly #env: Readonly<Record<string, string>>

  /** The command with the daemon at `socket`. */
  constructor(socket: string) {
    this.#env = { CLOISTER_SOCKET: socket, NO_COLOR: '', CLOISTER_DEBUG: '' }
  }

  /** A command line for a shell. */
  commandLine(...args: readonly string[]): string {
    const words = Object.entries(this.#env).map(([name, value]) => `${name}=${quoted(value)}`)
    return [...words, ...[launcher, ...args].map(quoted)].join(' ')
  }

  async run(args: readonly string[], { input = '', env = {}, onOutput }: RunOptions = {}): Promise<Ran> {
    const child = spawn(launcher, args, { env: { ...process.env, ...this.#env, ...env } })
    child.stdout.setEncoding('utf8').on('data', (piece: string) => onOutput?.(piece, (name) => child.kill(name)))
    // A command that does not read its input may end, and close the pipe, before the input is written.
    child.stdin.on('error', () => undefined)
    if (input instanceof Readable) input.pipe(child.stdin)
    else child.stdin.end(input)
    const status = new Promise<number | null>((resolve) => child.on('close', resolve))
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { status: await status, stdout, stderr }
  }

  /** Runs a command that must succeed; resolves with what it printed. @throws Error when it fails */
  async ok(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(args)
    if (status !== 0) throw new Error(`cloister ${args.join(' ')} ended with ${status}: ${stderr}`)
    return stdout
  }

  /** Runs a command that must succeed, with --json; resolves with the value that it printed. @throws Error when it fails */
  async json(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.ok('--json', ...args))
  }

  /** Runs a command that must fail; resolves with status and message. @throws Error when it succeeds */
  async fails(...args: readonly string[]): Promise<Pick<Ran, 'status' | 'stderr'>> {
    const { status, stderr } = await this.run(args)
    if (status === 0) throw new Error(`cloister ${args.join(' ')} succeeded`)
    return { status, stderr }
  }
}
