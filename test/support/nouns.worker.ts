import { loadNounFinder } from '../../src/method/nouns.ts'

/** Answers each text with its nouns. */
addEventListener('message', ({ data }: MessageEvent<string>) => {
  void loadNounFinder().then((finder) => postMessage(finder.nouns(data)))
})
