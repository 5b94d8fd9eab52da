import { existsSync } from 'node:fs'
import { test } from 'vitest'

/** Files of AMBER and POPE as their users have them; not part of this repository. */
export const AMBER_FOLDER = '../shared/data/amber'
export const POPE_FOLDER = '../shared/data/pope'

export const hasAmber = existsSync(`${AMBER_FOLDER}/annotations.json`)

/** A test on a benchmark's own files; where they are absent it shows as skipped, and a line says why. */
export const amberTest = onFiles(`${AMBER_FOLDER}/annotations.json`)
export const popeTest = onFiles(`${POPE_FOLDER}/coco_pope_adversarial.json`)

function onFiles(path: string) {
  const isThere = existsSync(path)
  if (!isThere)
    console.warn(`${path} is absent: what needs it is skipped here, and runs where a user supplies it.`)
  return test.runIf(isThere)
}
