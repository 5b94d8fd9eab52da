import { openStore } from '../../src/store/store.ts'

/** Opens a run as another tab would, says how that went, and keeps it open until it is ended. */
addEventListener('message', async ({ data }: MessageEvent<{ prefix: string; id: string }>) => {
  try {
    await openStore({ prefix: data.prefix }).runs.open(data.id)
    postMessage('open')
  } catch (error) {
    postMessage(error instanceof Error ? error.name : String(error))
  }
})
