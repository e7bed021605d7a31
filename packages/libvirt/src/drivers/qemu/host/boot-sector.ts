import { concatBytes, utf8 } from '@cloister/kit'

/** What the boot sector says on the first serial port. */
export const bootSectorMarker = 'cloister-boot-sector'

/**
 * 16-bit code, loaded at 0x7c00: writes the text behind it to COM1, waiting for the port before each byte, then switches
 * the machine off through the ACPI register that QEMU's q35 has at 0x604, and waits if that did nothing.
 */
const code = Uint8Array.of(
  ...[0xfa], //                   cli
  ...[0x31, 0xc0], //             xor  ax, ax
  ...[0x8e, 0xd8], //             mov  ds, ax
  ...[0xfc], //                   cld
  ...[0xbe, 0x2a, 0x7c], //       mov  si, text
  ...[0xac], //             next: lodsb
  ...[0x84, 0xc0], //             test al, al
  ...[0x74, 0x12], //             jz   done
  ...[0x88, 0xc4], //             mov  ah, al
  ...[0xba, 0xfd, 0x03], //       mov  dx, 0x3fd
  ...[0xec], //             wait: in   al, dx
  ...[0xa8, 0x20], //             test al, 0x20
  ...[0x74, 0xfb], //             jz   wait
  ...[0x88, 0xe0], //             mov  al, ah
  ...[0xba, 0xf8, 0x03], //       mov  dx, 0x3f8
  ...[0xee], //                   out  dx, al
  ...[0xeb, 0xe9], //             jmp  next
  ...[0xba, 0x04, 0x06], // done: mov  dx, 0x604
  ...[0xb8, 0x00, 0x20], //       mov  ax, 0x2000
  ...[0xef], //                   out  dx, ax
  ...[0xf4], //             halt: hlt
  ...[0xeb, 0xfd], //             jmp  halt
)

/** Size of the image: firmware does not boot from a disk without a whole cylinder. */
const imageSize = 1 << 20

/** The smallest guest there is: a disk whose boot sector says that it runs and switches the machine off. */
export function bootSectorImage(): Uint8Array {
  const content = concatBytes([code, utf8(`${bootSectorMarker}\n\0`)])
  const image = new Uint8Array(imageSize)
  image.set(content)
  image.set([0x55, 0xaa], 510)
  return image
}
