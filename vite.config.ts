import { defineConfig } from 'vite'
import { ISOLATION_HEADERS } from './src/cli/server.ts'

export default defineConfig({
  base: './', // the built page works under any path
  worker: { format: 'es' },
  server: { headers: ISOLATION_HEADERS },
  preview: { headers: ISOLATION_HEADERS },
  builder: {}, // `vite build` builds both environments
  environments: {
    client: {
      build: {
        target: 'es2023',
        outDir: 'dist/site',
        rolldownOptions: { input: ['index.html', 'headless.html'] }, // the second is the command line's
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
