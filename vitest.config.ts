import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { findBrowser } from './src/cli/browser.ts'
import { browserLaunch } from './src/cli/launch.ts'

/**
 * Rooms of `test/` that need WebGPU, workers or IndexedDB and therefore a real browser; the others run in Node,
 * and so do files of these rooms named `*.node.test.ts`.
 */
const BROWSER_ROOMS = '{gpu,kernels,models,store,workers,pipeline,ui}'
const BROWSER_TESTS = `test/${BROWSER_ROOMS}/**/!(*.node).test.ts`

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [BROWSER_TESTS],
          testTimeout: 30_000,
        },
      },
      {
        // Found halfway through a run, these would reload the page under a test.
        optimizeDeps: {
          include: [
            'comlink',
            'fast-check',
            '@huggingface/jinja',
            '@huggingface/tokenizers',
            '@huggingface/transformers',
            '@observablehq/plot',
            'fflate',
            'hyparquet',
            'hyparquet-compressors',
            'idb-keyval',
            'lit',
            'onnxruntime-web/wasm',
            'valibot',
            'wink-eng-lite-web-model',
            'wink-nlp',
          ],
        },
        test: {
          name: 'browser',
          include: [BROWSER_TESTS],
          globalSetup: 'test/support/browser.ts', // installs a browser if there is none, before the provider starts it
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000, // a worker that loads a model compiles its shaders first
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              // Read while the projects are set up, when there may be no browser yet, and again to start it.
              get launchOptions() {
                const path = findBrowser()
                return path === undefined ? {} : browserLaunch(path)
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
})
