import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/run', import.meta.url))
const wholeMs = 400_000
let child: ChildProcess | undefined

afterEach(() => {
  if (child?.exitCode === null) child.kill('SIGTERM')
})

class Demo {
  readonly child: ChildProcess
  output = ''
  readonly ended: Promise<unknown>

  /** Starts the demo in a process group of its own, as a shell does, so that the signal of Ctrl-C can be sent to the group. */
  constructor() {
    child = spawn(script, ['demo'], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        this.child.emit('said')
      })
    }
    this.ended = once(child, 'close')
  }

  async said(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) {
      if (this.child.exitCode !== null) throw new Error(`The demo ended early:\n${this.output}`)
      await Promise.race([once(this.child, 'said'), this.ended])
    }
  }

  pressCtrlC(): void {
    process.kill(-(this.child.pid ?? 0), 'SIGINT')
  }

  get scratch(): string {
    return /in (\/\S+cloister-demo-\d+-\w+)/.exec(this.output)?.[1] ?? ''
  }

  /** Processes, mounts and files that belong to the folder of the demo. */
  async leftovers(): Promise<string[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const uses = await Promise.all(pids.map(usesOf))
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
    const folder = await readdir(this.scratch).catch(() => [])
    return [...uses, ...mounts, ...folder.map((name) => join(this.scratch, name))].filter((text) =>
      text.includes(this.scratch),
    )
  }
}

/** Command line and open files of a process. The command line of a guest has no paths, as it inherits its files. */
async function usesOf(pid: string): Promise<string> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const targets = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')))
  return [await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''), ...targets].join('\n')
}

describe('the demo', () => {
  it('shows which data a domain keeps and which it loses, and leaves nothing behind', {
    timeout: wholeMs,
  }, async () => {
    const demo = new Demo()
    await demo.ended
    expect(demo.output).toMatch(/^ {2}work +AppVM +Running +blue +tiny +160 MiB$/m)
    expect(demo.output).toMatch(/^ {2}disp\d+ +DispVM +Running +\w+ +web /m)
    expect(demo.output).toMatch(
      /work# cat \/rw\/note\n {2}written by the demo\n {2}work# cat \/root\/note\n.*No such file/,
    )
    expect(demo.output).toMatch(/^Try next:$/m)
    expect(demo.output.slice(demo.output.indexOf('Shutting down'))).not.toMatch(/disp\d|Running +(blue|orange)/)
    expect(demo.child.exitCode).toBe(0)
    expect(await demo.leftovers()).toEqual([])
  })

  it.each([
    ['the daemon runs', /✓ cloisterd/],
    ['guests boot', /✓ Starting/],
  ])('stops at Ctrl-C when %s, and leaves nothing behind', { timeout: wholeMs }, async (_, moment) => {
    const demo = new Demo()
    await demo.said(moment)
    expect(await demo.leftovers()).not.toEqual([])
    demo.pressCtrlC()
    demo.pressCtrlC()
    await demo.ended
    expect(demo.output).toContain('all files of the demo are removed')
    expect(demo.child.exitCode).toBe(130)
    expect(await demo.leftovers()).toEqual([])
  })
})
