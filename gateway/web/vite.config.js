import { defineConfig } from 'vite';

export default defineConfig({
  // The gateway serves the page at /graphiql and what it loads below it.
  base: '/graphiql/',
  build: {
    chunkSizeWarningLimit: 4096,
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      onwarn(warning, warn) {
        // "use client" and the like speak to server rendering, which there is none of.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
  worker: { format: 'es' },
  server: {
    // `npm run dev` beside a gateway on its default port.
    proxy: { '/graphql': 'http://127.0.0.1:8000', '/auth': 'http://127.0.0.1:8000' },
  },
});
