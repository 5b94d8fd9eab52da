export type YesNo = 'yes' | 'no'

/** One answered question. */
export interface YesNoAnswer {
  readonly truth: YesNo
  /** What the model said: undefined for neither yes nor no, which is always wrong. */
  readonly answer: YesNo | undefined
}

/** The first word of a reply as yes or no; undefined for anything else. */
export function parseYesNo(reply: string): YesNo | undefined {
  const word = /[a-z]+/i.exec(reply)?.[0].toLowerCase()
  return word === 'yes' || word === 'no' ? word : undefined
}

/** A reply as POPE's `evaluate.py` reads it: no where its first sentence has a word "No", "no" or "not", otherwise yes. */
export function parsePopeReply(reply: string): YesNo {
  const [first = ''] = reply.split('.')
  return first
    .replaceAll(',', '')
    .split(' ')
    .some((word) => word === 'No' || word === 'no' || word === 'not')
    ? 'no'
    : 'yes'
}

/** Figures in percent. "Always no" has a high F1 over "no": read accuracy and the yes-rate beside it. */
export interface YesNoScores {
  accuracy: number
  /** Answers that were yes. */
  yesRate: number
  /** AMBER: "no" is the positive class. */
  no: PrecisionRecall
  /** POPE: "yes" is the positive class. */
  yes: PrecisionRecall
}

export interface PrecisionRecall {
  precision: number
  recall: number
  f1: number
}

/** What answers add to the sums from which `yesNoFromSums` computes the figures. */
export const YES_NO_COUNTS = [
  'answers',
  'saidYes',
  'saidNo',
  'trulyYes',
  'trulyNo',
  'rightYes',
  'rightNo',
] as const

/** Counts of these answers, in the order of `YES_NO_COUNTS`. */
export function yesNoCounts(answers: readonly YesNoAnswer[]): number[] {
  const count = (test: (answer: YesNoAnswer) => boolean): number => answers.filter(test).length
  const said = (which: YesNo) => count(({ answer }) => answer === which)
  const truly = (which: YesNo) => count(({ truth }) => truth === which)
  const right = (which: YesNo) => count(({ truth, answer }) => truth === which && answer === which)
  return [answers.length, said('yes'), said('no'), truly('yes'), truly('no'), right('yes'), right('no')]
}

/** Figures from sums of `yesNoCounts`; zero where there is nothing to divide by. */
export function yesNoFromSums(sums: ArrayLike<number>): YesNoScores {
  const [answers = 0, saidYes = 0, saidNo = 0, trulyYes = 0, trulyNo = 0, rightYes = 0, rightNo = 0] =
    Array.from(sums)
  const positive = (right: number, said: number, truly: number): PrecisionRecall => {
    const [precision, recall] = [right / Math.max(1, said), right / Math.max(1, truly)]
    const sum = precision + recall
    return {
      precision: 100 * precision,
      recall: 100 * recall,
      f1: sum === 0 ? 0 : (200 * precision * recall) / sum,
    }
  }
  return {
    accuracy: (100 * (rightYes + rightNo)) / Math.max(1, answers),
    yesRate: (100 * saidYes) / Math.max(1, answers),
    no: positive(rightNo, saidNo, trulyNo),
    yes: positive(rightYes, saidYes, trulyYes),
  }
}

/** Accuracy, yes-rate, and precision, recall and F1 of either answer. @throws {RangeError} without answers. */
export function yesNoScores(answers: readonly YesNoAnswer[]): YesNoScores {
  if (answers.length === 0) throw new RangeError('yes/no: expected at least one answer, got none')
  return yesNoFromSums(yesNoCounts(answers))
}

/**
 * AMBER's discriminative figures as its script prints them: denominators start at 0.001, precision and recall are rounded
 * to 0.1 before F1, and F1's denominator has a small addition.
 * @param f1Addition 1e-4; the script has 1e-3 for the existence questions alone.
 */
export function amberYesNo(
  answers: readonly YesNoAnswer[],
  f1Addition = 1e-4,
): PrecisionRecall & { accuracy: number } {
  const count = (test: (answer: YesNoAnswer) => boolean): number => answers.filter(test).length
  const percent = (part: number, whole: number): number => round1((100 * part) / (whole + 0.001))
  const hits = count(({ truth, answer }) => truth === 'no' && answer === 'no')
  const precision = percent(
    hits,
    count(({ answer }) => answer === 'no'),
  )
  const recall = percent(
    hits,
    count(({ truth }) => truth === 'no'),
  )
  const [p, r] = [precision / 100, recall / 100]
  return {
    accuracy: percent(
      count(({ truth, answer }) => truth === answer),
      answers.length,
    ),
    precision,
    recall,
    f1: round1((200 * p * r) / (p + r + f1Addition)),
  }
}

/** Python's `round(value, 1)`: to the nearest, an exact tie (a quarter or three) to the even digit. */
function round1(value: number): number {
  const isTie = Number.isInteger(4 * value) && !Number.isInteger(2 * value)
  return isTie ? (2 * Math.round((10 * value) / 2)) / 10 : Number(value.toFixed(1))
}

/** AMBER's one figure: (100 - CHAIR + F1) / 2, F1 over "no". */
export function amberScore(chair: number, f1No: number): number {
  return (100 - chair + f1No) / 2
}
