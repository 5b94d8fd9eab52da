import { defineConfig } from 'vite'
import { ISOLATION_HEADERS } from './src/offline/isolation-headers.ts'
import { offline } from './vite.offline.ts'

export default defineConfig({
  base: './', // the built page works under any path
  worker: { format: 'es' },
  server: { headers: ISOLATION_HEADERS },
  preview: { headers: ISOLATION_HEADERS },
  plugins: [offline(['headless.html'])],
  builder: {}, // `vite build` builds all environments
  environments: {
    client: {
      build: {
        target: 'es2023',
        outDir: 'dist/site',
        rolldownOptions: { input: ['index.html', 'headless.html'] }, // the second is the command line's
      },
    },
    lib: {
      consumer: 'client', // the package's entry points; a worker lies beside them, found from their own address
      build: {
        target: 'es2023',
        outDir: 'dist/lib',
        copyPublicDir: false,
        rolldownOptions: {
          input: ['index', 'method', 'evaluate', 'data'].map((name) => `src/package/${name}.ts`),
          preserveEntrySignatures: 'strict',
          output: { entryFileNames: '[name].js' },
        },
      },
    },
    cli: {
      consumer: 'server',
      resolve: { noExternal: true, external: ['playwright-core', 'sirv'] }, // the package's only dependencies
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
