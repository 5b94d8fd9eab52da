import type { Question, RunnerApi } from '../pipeline/runner.api.ts'

type Asked = Pick<RunnerApi, 'ask' | 'stopAsking' | 'pictures'>

/** A run's adapter as it was in the course of training, to be asked in the finished one's place. */
export interface EarlierAdapter extends NonNullable<Question['after']> {
  readonly run: string
  /** Asks with this adapter. */
  readonly runner: Asked
}

/** An adapter on the way to be tried. @param after where on the way. */
export function earlierAdapter(
  runner: Asked,
  run: string,
  after: NonNullable<Question['after']>,
): EarlierAdapter {
  return {
    run,
    ...after,
    runner: {
      pictures: (...some) => runner.pictures(...some),
      ask: (question, onAnswer) => runner.ask({ ...question, after }, onAnswer),
      stopAsking: () => runner.stopAsking(),
    },
  }
}
