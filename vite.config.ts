import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { findBrowser, launchFlags } from './src/cli/browser.ts'

/** Folders of `test/` that need WebGPU, workers or IndexedDB and therefore a real browser; the others run in Node. */
const BROWSER_TESTS = ['gpu', 'kernels', 'models', 'store', 'workers', 'pipeline', 'ui'].map(
  (room) => `test/${room}/**/*.test.ts`,
)

export default defineConfig({
  build: { target: 'es2023' },
  worker: { format: 'es' },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', environment: 'node', include: ['test/**/*.test.ts'], exclude: BROWSER_TESTS },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: BROWSER_TESTS,
          fileParallelism: false,
          testTimeout: 120_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { executablePath: await findBrowser(), args: launchFlags() },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
})
