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

/** Tests of the whole program, each with a browser of its own: one after the other, and after everything else. */
const WHOLE_TESTS = [
  'test/package.test.ts',
  'test/site/*.test.ts',
  'test/cli/{run,outputs,own-pictures,stages,train,doctor}.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [BROWSER_TESTS, ...WHOLE_TESTS],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'whole',
          environment: 'node',
          include: WHOLE_TESTS,
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
          expect: { poll: { timeout: 30_000 } },
          sequence: { groupOrder: 2 },
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
            'onnxruntime-web/jspi',
            'onnxruntime-web/wasm',
            'valibot',
            'wink-eng-lite-web-model',
            'wink-nlp',
          ],
        },
        test: {
          name: 'browser',
          sequence: { groupOrder: 1 },
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
