import type { Scene } from './scene.ts'
import measured from './traps.json'
import type { Habit } from './world.ts'

/** A scene that sets off a habit of the embedded model, without what the habit invents. */
export interface Trap extends Habit, Scene {
  /**
   * Of so many greedy answers about scenes like this one, how many name what is not there: by the model as it comes, and after
   * the short form of the demo.
   */
  readonly answers: number
  readonly base: number
  readonly tuned: number
}

export interface Traps {
  /** What was asked about each scene. */
  readonly prompts: readonly string[]
  /** First those that training cures most. */
  readonly traps: readonly Trap[]
}

/** The traps that fool the embedded model, as `npm run bench -- traps` has counted. */
export const TRAPS: Traps = measured
