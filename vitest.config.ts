import { defineConfig } from 'vitest/config'

/** Sources run unbuilt: the condition `@cloister/source` leads every package import to `src`. */
const conditions = ['@cloister/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'tests/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    execArgv: ['--conditions=@cloister/source'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
