import { CloisterError, type Message } from '@cloister/kit'

/** Program and arguments; never a shell. */
export type Command = readonly [program: string, ...args: string[]]

export interface RunOptions {
  /** Ends the program after this long; 30 s when not given. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly input?: Uint8Array
  readonly env?: Readonly<Record<string, string>>
  /** Bytes of output at most; 1 MiB when not given. */
  readonly outputLimit?: number
  /** Exit statuses beside 0 that are no failure. */
  readonly accept?: readonly number[]
  /** Files that the program inherits, as descriptor 3 and up in the order given. */
  readonly inherit?: readonly InheritedFile[]
}

export interface RunResult {
  readonly stdout: Uint8Array
  readonly stderr: string
}

/** A process as the kernel knows it: a pid alone may have been reused, pid and start time together name one process. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks after boot, field 22 of `/proc/<pid>/stat`. */
  readonly startTime: string
}

export interface ExitStatus {
  readonly code: number | null
  readonly signal: string | null
}

/**
 * A file that a program inherits, as descriptor 3 and up in the order given: a regular file, a device, or a folder that is
 * read. It is opened with the rights of this process, whatever user the program runs as; opening it never waits for another
 * process. A symbolic link as its last name is followed when only root and this process's user can have made it; a regular
 * file that is written must have one name.
 */
export interface InheritedFile {
  readonly path: string
  readonly access: 'read' | 'readwrite'
}

export interface DetachOptions {
  /** File that takes standard output and error; appended to, mode 0600. */
  readonly log: string
  /** Files that the program inherits, as descriptor 3 and up in the order given. */
  readonly inherit?: readonly InheritedFile[]
  readonly uid?: number
  readonly gid?: number
  /** Its environment beside PATH and locale. It inherits nothing of the daemon's own environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** A program in a session of its own, which runs on when this process ends. */
export interface DetachedProcess extends ProcessIdentity {
  /** Resolves when the program has ended, if this process is its parent until then. */
  readonly exited: Promise<ExitStatus>
}

export interface Processes {
  /**
   * Runs a program to its end.
   * @throws ProcessError when it cannot be started, fails, takes too long, prints too much, or is aborted
   */
  run(command: Command, options?: RunOptions): Promise<RunResult>
  /**
   * Starts a program in a session of its own.
   * @throws ProcessError when it cannot be started, UnsafeFileError when it would inherit what must not be opened
   */
  startDetached(command: Command, options: DetachOptions): Promise<DetachedProcess>
  /** The process that has this pid now; undefined when there is none, or only a zombie. */
  identify(pid: number): Promise<ProcessIdentity | undefined>
  /** Sends a signal if the process is still the same one; false when it is gone. */
  signal(process: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<boolean>
  /** Resolves when the process is gone. It need not be a child of this process. */
  gone(process: ProcessIdentity, signal?: AbortSignal): Promise<void>
  /** Full path of a program looked up in PATH and the sbin folders, or undefined. */
  find(program: string): Promise<string | undefined>
}

/** A program could not be run to success. The message holds what it printed on standard error, cut to 2 KiB. */
export class ProcessError extends CloisterError {
  readonly command: Command
  readonly status: ExitStatus | undefined
  readonly stderr: string

  constructor(text: Message, details: { command: Command; status?: ExitStatus; stderr?: string; cause?: unknown }) {
    super(text, { cause: details.cause })
    this.command = details.command
    this.status = details.status
    this.stderr = details.stderr ?? ''
  }
}
