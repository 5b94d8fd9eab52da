import { defineConfig } from 'vite'

/** Without these two a page has no SharedArrayBuffer, and ONNX models on WASM run on one thread. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  base: './', // the built page works under any path
  worker: { format: 'es' },
  server: { headers: ISOLATION },
  preview: { headers: ISOLATION },
  builder: {}, // `vite build` builds both environments
  environments: {
    client: { build: { target: 'es2023', outDir: 'dist/site' } },
    cli: {
      consumer: 'server',
      build: {
        target: 'node20',
        outDir: 'dist/cli',
        ssr: true,
        copyPublicDir: false,
        rolldownOptions: { input: 'src/cli/main.ts' },
      },
    },
  },
})
