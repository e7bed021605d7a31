import { readFile } from 'node:fs/promises'
import { type ArchiveEntry, cpioArchive } from './cpio-archive.ts'
import type { KernelModule } from './kernel-modules.ts'

/** Programs that `initramfs/init` uses, all of them busybox. */
const applets = ['cat', 'insmod', 'mount', 'poweroff', 'sh', 'switch_root', 'usleep']
const folders = ['bin', 'dev', 'modules', 'proc', 'root', 'sys']
const initScript = new URL('initramfs/init', import.meta.url)

/** The first file system of the guest: busybox, the modules in loading order, and the script that goes over to the root disk. */
export async function buildInitramfs(busybox: Uint8Array, modules: readonly KernelModule[]): Promise<Uint8Array> {
  const file = (path: string, mode: number, data: Uint8Array): ArchiveEntry => ({ kind: 'file', path, mode, data })
  return cpioArchive([
    ...folders.map((path): ArchiveEntry => ({ kind: 'folder', path, mode: 0o755 })),
    { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    file('bin/busybox', 0o755, busybox),
    ...applets.map((applet): ArchiveEntry => ({ kind: 'link', path: `bin/${applet}`, mode: 0o777, target: 'busybox' })),
    ...modules.map(({ name, data }, index) =>
      file(`modules/${String(index).padStart(2, '0')}-${name}.ko`, 0o644, data),
    ),
    file('init', 0o755, await readFile(initScript)),
  ])
}
