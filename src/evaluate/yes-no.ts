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

/** Accuracy, yes-rate, and precision, recall and F1 of either answer. @throws {RangeError} without answers. */
export function yesNoScores(answers: readonly YesNoAnswer[]): YesNoScores {
  if (answers.length === 0) throw new RangeError('yes/no: expected at least one answer, got none')
  const count = (test: (answer: YesNoAnswer) => boolean): number => answers.filter(test).length
  const positive = (which: YesNo): PrecisionRecall => {
    const hits = count(({ truth, answer }) => truth === which && answer === which)
    const precision =
      hits /
      Math.max(
        1,
        count(({ answer }) => answer === which),
      )
    const recall =
      hits /
      Math.max(
        1,
        count(({ truth }) => truth === which),
      )
    const sum = precision + recall
    return {
      precision: 100 * precision,
      recall: 100 * recall,
      f1: sum === 0 ? 0 : (200 * precision * recall) / sum,
    }
  }
  return {
    accuracy: (100 * count(({ truth, answer }) => truth === answer)) / answers.length,
    yesRate: (100 * count(({ answer }) => answer === 'yes')) / answers.length,
    no: positive('no'),
    yes: positive('yes'),
  }
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
