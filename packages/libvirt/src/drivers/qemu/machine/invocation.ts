import type { InheritedFile } from '@cloister/os'

/** The first descriptor that an inherited file has; 0 to 2 are input, output and errors. */
const firstDescriptor = 3

/**
 * A command line of QEMU that is being built. Values from outside are added as JSON or as an argument of their own, so that no
 * character in them is syntax to QEMU's option parser.
 */
export class Invocation {
  readonly args: string[] = []
  readonly inherit: InheritedFile[] = []

  /** An option and a value that QEMU does not take apart, or that holds nothing from outside. */
  option(name: string, value?: string): this {
    this.args.push(`-${name}`)
    if (value !== undefined) this.args.push(value)
    return this
  }

  /** An option whose value is an object; members that are undefined are left out. */
  json(name: 'blockdev' | 'device' | 'netdev' | 'object', value: Readonly<Record<string, unknown>>): this {
    return this.option(name, JSON.stringify(value))
  }

  /** Has a file opened by the daemon, as QEMU's user may not open it; returns its descriptor in QEMU. */
  descriptor(path: string, access: InheritedFile['access']): number {
    this.inherit.push({ path, access })
    return firstDescriptor + this.inherit.length - 1
  }

  /** As {@link descriptor}, for images: returns a name that QEMU's block layer opens. */
  image(path: string, access: InheritedFile['access']): string {
    const descriptor = this.descriptor(path, access)
    this.option('add-fd', `fd=${descriptor},set=${descriptor}`)
    return `/dev/fdset/${descriptor}`
  }

  /**
   * As {@link descriptor}, for what QEMU opens by path. QEMU's user must be allowed to open the file itself, but need not
   * be allowed to enter the folders above it.
   */
  path(path: string, access: InheritedFile['access']): string {
    return `/proc/self/fd/${this.descriptor(path, access)}`
  }
}

/** A value of QEMU's option syntax, in which a comma ends a value unless it is doubled. */
export function optionValue(text: string): string {
  return text.replaceAll(',', ',,')
}
