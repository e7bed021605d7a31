import { concatBytes, utf8 } from '@cloister/kit'

/**
 * 16-bit code of a guest that boots in a tenth of a second and does what one letter on its serial port says: `P` powers off,
 * `S` suspends to RAM, `R` resets, `C` panics, `W` writes a sector in the middle of its first disk (answer `w`, or `e` when that failed). It
 * says `ready` at the start and sends everything else back. Ports are those of QEMU's q35.
 */
const code = Uint8Array.of(
  ...[0xfa], //                    cli
  ...[0x31, 0xc0], //              xor  ax, ax
  ...[0x8e, 0xd8], //              mov  ds, ax
  ...[0x8e, 0xc0], //              mov  es, ax
  ...[0x8e, 0xd0], //              mov  ss, ax
  ...[0xbc, 0x00, 0x7c], //        mov  sp, 0x7c00
  ...[0xfc], //                    cld
  ...[0xbe, 0x87, 0x7c], //        mov  si, text
  ...[0xac], //              next: lodsb
  ...[0x84, 0xc0], //              test al, al
  ...[0x74, 0x05], //              jz   listen
  ...[0xe8, 0x27, 0x00], //        call put
  ...[0xeb, 0xf6], //              jmp  next
  ...[0xba, 0xfd, 0x03], // listen: mov dx, 0x3fd
  ...[0xec], //              poll: in   al, dx
  ...[0xa8, 0x01], //              test al, 1
  ...[0x74, 0xfb], //              jz   poll
  ...[0xba, 0xf8, 0x03], //        mov  dx, 0x3f8
  ...[0xec], //                    in   al, dx
  ...[0x3c, 0x50, 0x74, 0x26], //  cmp  al, 'P'; je power
  ...[0x3c, 0x53, 0x74, 0x27], //  cmp  al, 'S'; je sleep
  ...[0x3c, 0x52, 0x74, 0x2c], //  cmp  al, 'R'; je reset
  ...[0x3c, 0x43, 0x74, 0x30], //  cmp  al, 'C'; je crash
  ...[0x3c, 0x57, 0x74, 0x34], //  cmp  al, 'W'; je write
  ...[0xe8, 0x02, 0x00], //        call put
  ...[0xeb, 0xdb], //              jmp  listen
  ...[0x88, 0xc4], //         put: mov  ah, al
  ...[0xba, 0xfd, 0x03], //        mov  dx, 0x3fd
  ...[0xec], //              room: in   al, dx
  ...[0xa8, 0x20], //              test al, 0x20
  ...[0x74, 0xfb], //              jz   room
  ...[0x88, 0xe0], //              mov  al, ah
  ...[0xba, 0xf8, 0x03], //        mov  dx, 0x3f8
  ...[0xee], //                    out  dx, al
  ...[0xc3], //                    ret
  ...[0xb8, 0x00, 0x20], //  power: mov ax, 0x2000
  ...[0xeb, 0x03], //              jmp  acpi
  ...[0xb8, 0x00, 0x24], //  sleep: mov ax, 0x2400
  ...[0xba, 0x04, 0x06], //   acpi: mov dx, 0x604
  ...[0xef], //                    out  dx, ax
  ...[0xeb, 0xbc], //              jmp  listen
  ...[0xba, 0xf9, 0x0c], //  reset: mov dx, 0xcf9
  ...[0xb0, 0x06], //              mov  al, 6
  ...[0xee], //                    out  dx, al
  ...[0xeb, 0xb4], //              jmp  listen
  ...[0xba, 0x05, 0x05], //  crash: mov dx, 0x505
  ...[0xb0, 0x01], //              mov  al, 1
  ...[0xee], //                    out  dx, al
  ...[0xeb, 0xac], //              jmp  listen
  ...[0xb8, 0x01, 0x03], //  write: mov ax, 0x0301
  ...[0xbb, 0x00, 0x7c], //        mov  bx, 0x7c00
  ...[0xb9, 0x02, 0x01], //        mov  cx, 0x0102
  ...[0xba, 0x80, 0x00], //        mov  dx, 0x80
  ...[0xcd, 0x13], //              int  0x13
  ...[0xb0, 0x77], //              mov  al, 'w'
  ...[0x73, 0x02], //              jnc  said
  ...[0xb0, 0x65], //              mov  al, 'e'
  ...[0xe8, 0xba, 0xff], //  said: call put
  ...[0xeb, 0x93], //              jmp  listen
)

/** A disk image from which the guest boots. */
export function serialGuestImage(): Uint8Array {
  const image = new Uint8Array(1 << 20)
  image.set(concatBytes([code, utf8('ready\n\0')]))
  image.set([0x55, 0xaa], 510)
  return image
}
