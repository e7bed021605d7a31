import { msg, PermissionDenied } from '@cloister/kit'
import type { TextForm } from '../codec.ts'

/** Argument of `vm.CreateDisposable`: only `preload` is allowed (reference: admin-api, 3.2). */
export const preloadWord: TextForm<'preload'> = {
  syntax: 'preload',
  parse(text) {
    if (text === 'preload') return text
    throw new PermissionDenied(msg`a disposable is made without an argument, or with preload`)
  },
  format: (word) => word,
}
