import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { concatBytes, msg } from '@cloister/kit'
import { errorCode } from '../files.ts'
import {
  type Command,
  type DetachedProcess,
  type DetachOptions,
  type ExitStatus,
  type InheritedFile,
  ProcessError,
  type Processes,
  type ProcessIdentity,
  type RunOptions,
  type RunResult,
} from '../processes.ts'
import { carefully, openForProgram } from './paths.ts'

const defaultTimeoutMs = 30_000
const defaultOutputLimit = 1 << 20
const stderrShown = 2048
/** Folders of the system's programs. The PATH of a user may not have them. */
const sbinFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin']
const goneCheckMs = 50
/** A log is appended to. Neither a link nor a pipe may stand in its place. */
const logFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | carefully

/** Programs of the machine. */
export class NodeProcesses implements Processes {
  async run(command: Command, options: RunOptions = {}): Promise<RunResult> {
    const opened: fs.FileHandle[] = []
    try {
      await openAll(options.inherit, opened)
      return await runToEnd(command, options, opened)
    } finally {
      for (const file of opened) await file.close()
    }
  }

  async startDetached(command: Command, options: DetachOptions): Promise<DetachedProcess> {
    const [program, ...args] = command
    const opened: fs.FileHandle[] = []
    try {
      const log = await fs.open(options.log, logFlags, 0o600)
      opened.push(log)
      await openAll(options.inherit, opened)
      const child = spawn(program, args, {
        detached: true,
        cwd: '/',
        stdio: ['ignore', log.fd, log.fd, ...opened.slice(1).map((file) => file.fd)],
        env: { ...programEnv(), ...options.env },
        ...(options.uid !== undefined && { uid: options.uid }),
        ...(options.gid !== undefined && { gid: options.gid }),
      })
      const exited = new Promise<ExitStatus>((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })))
      await new Promise<void>((resolve, reject) => {
        child.on('spawn', resolve)
        child.on('error', (cause) =>
          reject(new ProcessError(msg`Cannot start ${program}: ${cause.message}`, { command, cause })),
        )
      })
      child.unref()
      const pid = child.pid as number
      // The child stays a zombie at least until its exit event is read, so its entry in /proc is there.
      const startTime = (await readStat(pid))?.startTime ?? 'ended'
      return { pid, startTime, exited }
    } finally {
      for (const file of opened) await file.close()
    }
  }

  async identify(pid: number): Promise<ProcessIdentity | undefined> {
    const stat = await readStat(pid)
    return stat?.isAlive ? { pid, startTime: stat.startTime } : undefined
  }

  async signal(target: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<boolean> {
    if ((await this.identify(target.pid))?.startTime !== target.startTime) return false
    try {
      process.kill(target.pid, signal)
      return true
    } catch (error) {
      if (errorCode(error) === 'ESRCH') return false
      throw error
    }
  }

  async gone(target: ProcessIdentity, signal?: AbortSignal): Promise<void> {
    while ((await this.identify(target.pid))?.startTime === target.startTime) {
      await delay(goneCheckMs, undefined, signal ? { signal } : {})
    }
  }

  async find(program: string): Promise<string | undefined> {
    const folders = program.includes('/') ? [''] : programFolders()
    for (const folder of folders) {
      const path = folder === '' ? program : join(folder, program)
      try {
        await fs.access(path, fs.constants.X_OK)
        return path
      } catch {
        // Not in this folder: the next one is tried.
      }
    }
    return undefined
  }
}

async function openAll(inherited: readonly InheritedFile[] = [], opened: fs.FileHandle[]): Promise<void> {
  for (const { path, access } of inherited) opened.push(await openForProgram(path, access))
}

function runToEnd(command: Command, options: RunOptions, inherited: readonly fs.FileHandle[]): Promise<RunResult> {
  const { timeoutMs = defaultTimeoutMs, outputLimit = defaultOutputLimit, signal, input, accept = [] } = options
  const [program, ...args] = command
  return new Promise((resolve, reject) => {
    const stdout: Uint8Array[] = []
    let stderr = ''
    let size = 0
    let stopped: string | undefined
    const child = spawn(program, args, {
      stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe', ...inherited.map((file) => file.fd)],
      env: { ...process.env, ...programEnv(), ...options.env },
    })
    const stop = (reason: string): void => {
      stopped ??= reason
      child.kill('SIGKILL')
    }
    const timer = setTimeout(() => stop(`took longer than ${timeoutMs} ms`), timeoutMs)
    const abort = (): void => stop('was cancelled')
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) abort()
    child.stdout?.on('data', (chunk: Uint8Array) => {
      size += chunk.length
      if (size > outputLimit) stop(`printed more than ${outputLimit} bytes`)
      else stdout.push(chunk)
    })
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-stderrShown)
    })
    // A program that does not read its input ends the pipe early; its exit status tells what is wrong.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    child.on('error', (cause) => {
      settle()
      const hint = errorCode(cause) === 'ENOENT' ? 'is not installed or not in PATH' : cause.message
      reject(new ProcessError(msg`Cannot run ${program}: ${hint}`, { command, cause }))
    })
    child.on('close', (code, signalName) => {
      settle()
      if (code !== null && [0, ...accept].includes(code) && !stopped) {
        resolve({ stdout: concatBytes(stdout), stderr })
        return
      }
      const status = { code, signal: signalName }
      const how = stopped ?? (code === null ? `was ended by ${signalName}` : `failed with exit status ${code}`)
      const said = stderr.trim()
      reject(new ProcessError(msg`${program} ${how}${said && `: ${said}`}`, { command, status, stderr }))
    })
  })
}

function programFolders(): string[] {
  return [...(process.env['PATH'] ?? '').split(delimiter), ...sbinFolders]
}

/** The environment that every program gets: the folders that programs are looked up in, and a locale whose messages are known. */
function programEnv(): Record<string, string> {
  return { LC_ALL: 'C.UTF-8', PATH: programFolders().join(delimiter) }
}

/**
 * State, number of threads and start time of a process: fields 3, 20 and 22 of its stat line, whose name field may hold
 * anything. A zombie that has threads is not gone: only its first thread has ended, its files are still open.
 */
async function readStat(pid: number): Promise<{ isAlive: boolean; startTime: string } | undefined> {
  try {
    const text = await fs.readFile(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state, threads, startTime] = [fields[0], fields[17], fields[19]]
    if (!state || !startTime) return undefined
    return { isAlive: (state !== 'Z' && state !== 'X') || Number(threads) > 1, startTime }
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return undefined
    throw error
  }
}
