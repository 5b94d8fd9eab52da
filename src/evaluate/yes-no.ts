export type YesNo = 'yes' | 'no'

/** One answered question. */
export interface YesNoAnswer {
  readonly truth: YesNo
  /** What the model said: undefined for neither yes nor no, which is always wrong. */
  readonly answer: YesNo | undefined
  /** The reply as POPE reads it (`parsePopeReply`), which takes all but a denial for yes, where that is another. Default `answer`. */
  readonly popeAnswer?: YesNo
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
  /** AMBER's: "no" is the positive class; rounded as its script does. */
  no: PrecisionRecall
  /** POPE's: "yes" is the positive class, and replies are read as its script does. */
  yes: PrecisionRecall
  /** The same as above of replies read as POPE's script does. */
  popeAccuracy: number
  popeYesRate: number
}

export interface PrecisionRecall {
  precision: number
  recall: number
  f1: number
}

/** What answers add to the sums from which `yesNoFromSums` computes the figures. */
export const YES_NO_COUNTS = [
  'answers',
  'right',
  'saidYes',
  'saidNo',
  'trulyYes',
  'trulyNo',
  'rightNo',
  'rightPope',
  'popeYes',
  'rightPopeYes',
] as const

/** Counts of these answers, in the order of `YES_NO_COUNTS`. */
export function yesNoCounts(answers: readonly YesNoAnswer[]): number[] {
  const count = (test: (answer: YesNoAnswer) => boolean): number => answers.filter(test).length
  const popeOf = ({ answer, popeAnswer = answer }: YesNoAnswer): YesNo | undefined => popeAnswer
  return [
    answers.length,
    count(({ truth, answer }) => truth === answer),
    count(({ answer }) => answer === 'yes'),
    count(({ answer }) => answer === 'no'),
    count(({ truth }) => truth === 'yes'),
    count(({ truth }) => truth === 'no'),
    count(({ truth, answer }) => truth === 'no' && answer === 'no'),
    count((given) => popeOf(given) === given.truth),
    count((given) => popeOf(given) === 'yes'),
    count((given) => popeOf(given) === 'yes' && given.truth === 'yes'),
  ]
}

/**
 * Figures from sums of `yesNoCounts`; zero where there is nothing to divide by.
 * @param f1Addition in the denominator of AMBER's F1: 1e-4, in its script 1e-3 for the existence questions alone.
 */
export function yesNoFromSums(sums: ArrayLike<number>, f1Addition = 1e-4): YesNoScores {
  const [
    answers = 0,
    right = 0,
    saidYes = 0,
    saidNo = 0,
    trulyYes = 0,
    trulyNo = 0,
    rightNo = 0,
    rightPope = 0,
    popeYes = 0,
    rightPopeYes = 0,
  ] = Array.from(sums)
  const percent = (part: number, whole = answers): number => (100 * part) / Math.max(1, whole)
  const [precision, recall] = [percent(rightPopeYes, popeYes), percent(rightPopeYes, trulyYes)]
  return {
    accuracy: percent(right),
    yesRate: percent(saidYes),
    no: amberPrecisionRecall(rightNo, saidNo, trulyNo, f1Addition),
    yes: {
      precision,
      recall,
      f1: rightPopeYes === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    },
    popeAccuracy: percent(rightPope),
    popeYesRate: percent(popeYes),
  }
}

/** Figures of these answers, as `yesNoFromSums`. @throws {RangeError} without answers. */
export function yesNoScores(answers: readonly YesNoAnswer[], f1Addition?: number): YesNoScores {
  if (answers.length === 0) throw new RangeError('yes/no: expected at least one answer, got none')
  return yesNoFromSums(yesNoCounts(answers), f1Addition)
}

/** As AMBER's script: precision and recall are rounded before F1, whose denominator has a small addition. */
function amberPrecisionRecall(
  hits: number,
  said: number,
  truly: number,
  f1Addition: number,
): PrecisionRecall {
  const [precision, recall] = [amberPercent(hits, said), amberPercent(hits, truly)]
  const [p, r] = [precision / 100, recall / 100]
  return { precision, recall, f1: round1((200 * p * r) / (p + r + f1Addition)) }
}

/** Denominators start at 0.001. */
function amberPercent(part: number, whole: number): number {
  return round1((100 * part) / (whole + 0.001))
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
