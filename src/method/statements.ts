/**
 * A question and its answer as one statement, for CLIP: the question's boilerplate is stripped by regular expressions and the rest
 * joined with the answer, as CLIP-DPO does (arXiv 2408.10433). "What color is the car?", "red" -> "the car is red".
 * @returns a statement in lower case but for names, without a full stop; question and answer side by side where no pattern fits.
 */
export function statementOf(question: string, answer: string): string {
  const said = tidy(answer)
  const asked = stripQuestion(question)
  if (isSentence(said)) return said
  for (const [pattern, join] of PATTERNS) {
    const found = pattern.exec(asked)
    const statement = found && join(found, said)
    if (statement) return statement.replace(/\s+/g, ' ').trim()
  }
  return `${asked} ${said}`.trim()
}

/** A question without courtesies, without naming the picture, and without its mark; its first word in lower case. */
export function stripQuestion(question: string): string {
  const bare = tidy(question)
    .replace(
      /^(please[, ]+)?((can|could|would) you (please )?(tell me|say|describe)|tell me|do you know|i wonder)[, ]+/i,
      '',
    )
    .replace(
      /^(based on|according to|looking at) (the|this) (image|picture|photo|photograph|scene)[, ]+/i,
      '',
    )
    .replace(PICTURE, '')
    .replace(/\b(can|do) you (see|find|notice)\b/i, 'is there')
    .replace(/\s+/g, ' ')
    .trim()
  return bare.charAt(0).toLowerCase() + bare.slice(1)
}

/** "in this image", "shown in the picture", "of the photo". */
const PICTURE =
  /[, ]*\b((visible|shown|seen|depicted|present|pictured|displayed) )?(in|on|of|from|within) (this|the) (image|picture|photo|photograph|scene)\b/gi

/** Whether a question could be asked of any picture, so that its answer says little: "What is in the image?". */
export function isGenericQuestion(question: string): boolean {
  const asked = stripQuestion(question)
  return asked === '' || GENERIC.some((pattern) => pattern.test(asked))
}

const GENERIC = [
  /^(what|who)('s| is| are)( there| this| that| it| these| they| here)?( (happening|going on|visible|shown|depicted|displayed))?( here| there)?$/,
  /^what (can be seen|is there|are there|is there to see|does (it|this) (show|depict))$/,
  /^what (objects|things|items|elements)( (are|can be))?( there| seen| visible| present| shown)*$/,
  /^how many (objects|things|items|elements)( (are|can be))?( there| seen| visible| present| shown)*$/,
  /^what(('s| is) the)? (main )?(subject|topic|theme|focus|setting|mood|atmosphere|background|content)( of .*)?$/,
  /^(describe|is this a|is it a)( .*)?\b(image|picture|photo|photograph|scene)?$/,
  /^is there (anything|something|a (picture|photo|image))\b.*$/,
]

type Join = (found: RegExpExecArray, answer: string) => string | undefined

const PATTERNS: readonly (readonly [RegExp, Join])[] = [
  // "is there a dog on the left" + yes
  [
    /^(is|are) there (.+)$/,
    ([, be, what = ''], answer) => yesNo(answer, `there ${be} ${what}`, () => `there ${be} no ${bare(what)}`),
  ],
  // "what color is the car" + red
  [/^what colou?rs? (is|are|was|were) (.+)$/, ([, be, what], answer) => `${what} ${be} ${answer}`],
  [
    /^what colou?r (.+?) (is|are) (.+?) (wearing|holding|carrying|riding|driving|using)$/,
    ([, what = '', be, who, doing], answer) =>
      `${who} ${be} ${doing} ${what.endsWith('s') ? '' : 'a '}${answer} ${what}`,
  ],
  [
    /^what colou?r (.+?) (is|are) (.+)$/,
    ([, what, be, where], answer) => `the ${what} ${where} ${be} ${answer}`,
  ],
  // "how many dogs are there on the left" + two
  [
    /^how many (.+?) (is|are) (there|visible)\b ?(.*)$/,
    ([, what = '', , , where], n) => `there ${beOf(n)} ${n} ${counted(what, n)} ${where}`,
  ],
  [
    /^how many (.+?) (is|are) (.+)$/,
    ([, what = '', , rest], n) => `${n} ${counted(what, n)} ${beOf(n)} ${rest}`,
  ],
  [
    /^how many (.+?) (can be seen|do you see)\b ?(.*)$/,
    ([, what = '', , where], n) => `there ${beOf(n)} ${n} ${counted(what, n)} ${where}`,
  ],
  [
    /^how many (.+?) (does|do) (.+?) (have|hold|carry|wear)$/,
    ([, what = '', aux, who, verb], n) => `${who} ${conjugated(verb, aux)} ${n} ${counted(what, n)}`,
  ],
  // "where is the cat" + on the sofa
  [
    /^where (is|are|was|were) (.+?)( located| placed| standing| sitting)?$/,
    ([, be, what, how = ''], answer) => `${what} ${be}${how} ${answer}`,
  ],
  // "what kind of animal is on the left" + a dog
  [
    /^what (kind|type|sort|breed|make|brand)s? of (.+?) (is|are) (there|this|that|it)$/,
    ([, , , be], answer) => `there ${be} ${answer}`,
  ],
  [
    /^what (kind|type|sort|breed|make|brand)s? of (.+?) (is|are) (.+?) (holding|wearing|riding|eating|using|playing|carrying|driving)$/,
    ([, , , be, who, doing], answer) => `${who} ${be} ${doing} ${answer}`,
  ],
  [
    /^what (kind|type|sort|breed|make|brand)s? of (.+?) (is|are) (.+)$/,
    ([, , what, be, rest = ''], answer) =>
      isWhere(rest) || isDoing(rest) ? `the ${what} ${rest} ${be} ${answer}` : `${rest} ${be} ${answer}`,
  ],
  // "what is the man holding" + an umbrella; "what is the dog doing" + running
  [
    /^(what|who|whom) (is|are) (.+?) doing\b ?(.*)$/,
    ([, , be, who, where], answer) => `${who} ${be} ${answer} ${where}`,
  ],
  [
    /^(what|who|whom) (is|are) (.+?) (\w+ing)( (?:in|on|at|with|to|from|for|by))?$/,
    ([, , be, who = '', doing, link = ''], answer) =>
      isWhere(who) ? undefined : `${who} ${be} ${doing}${link} ${answer}`,
  ],
  // "what does the sign say" + stop
  [
    /^(what|who|whom) (do|does) (.+?) (\w+)$/,
    ([, , aux, who, verb], answer) => `${who} ${conjugated(verb, aux)} ${answer}`,
  ],
  // "who is holding the ball", "what is on the table", "which animal is on the left" + a dog
  [
    /^(?:what|who|which(?: \w+)?|what \w+) (is|are) (.+)$/,
    ([, be, rest = ''], answer) =>
      isWhere(rest) || isDoing(rest) ? `${answer} ${be} ${rest}` : `${rest} ${be} ${answer}`,
  ],
  [/^who (\w+s) (.+)$/, ([, verb, rest], answer) => `${answer} ${verb} ${rest}`],
  // "does the man wear a hat" + yes
  [
    /^(does|do) (.+?) (\w+)((?: (?:a|an|the|any|his|her|its|their|to|on|in|at|with|from) .+)?)$/,
    ([, aux, who, verb, rest], answer) =>
      yesNo(answer, `${who} ${conjugated(verb, aux)}${rest}`, () => `${who} ${aux} not ${verb}${rest}`),
  ],
  // "is the car red" + yes; "is the car red or blue" + blue
  [
    /^(is|are|was|were|can|has|have) (.+)$/,
    ([, be, rest = ''], answer) => {
      const [subject, predicate] = subjectAndPredicate(rest)
      if (predicate === '') return undefined
      if (predicate.includes(' or ') && yesNo(answer, '', () => '') === undefined)
        return `${subject} ${be} ${answer}`
      return yesNo(answer, `${subject} ${be} ${predicate}`, () => `${subject} ${be} not ${predicate}`)
    },
  ],
]

/** The statement that yes or no makes; undefined for another answer. */
function yesNo(answer: string, yes: string, no: () => string): string | undefined {
  const word = /^(yes|no)\b/i.exec(answer)?.[1]?.toLowerCase()
  return word === 'yes' ? yes : word === 'no' ? no() : undefined
}

const WHERE =
  /^(in|on|at|to|above|below|under|underneath|behind|beside|near|nearby|next|inside|outside|over|around|between|by|with|from|of|across|along|through|against|among|in front)\b/
const STARTS_PREDICATE =
  /^(in|on|at|to|above|below|under|underneath|behind|beside|near|nearby|next|inside|outside|over|around|between|by|with|across|along|against|among|exactly|the same|red|orange|yellow|green|blue|purple|pink|brown|black|white|gray|grey|wearing|holding|made|open|closed|be|a|an|the|\w+ing|\w+ed)$/

function isWhere(text: string): boolean {
  return WHERE.test(text)
}

function isDoing(text: string): boolean {
  return /^(\w+ing|\w+ed|shown|seen|being) /.test(`${text} `)
}

/** Where the subject ends: before the first word that begins a predicate after a noun, or else before the last word. */
function subjectAndPredicate(text: string): [subject: string, predicate: string] {
  const words = text.split(' ')
  const first = /^(the|a|an|this|that|these|those|any|his|her|its|their)$/.test(words[0] ?? '') ? 2 : 1
  const found = words.findIndex((word, i) => i >= first && STARTS_PREDICATE.test(word))
  const end = found >= 0 ? found : Math.max(first, words.length - 1)
  return [words.slice(0, end).join(' '), words.slice(end).join(' ')]
}

/** Without an article or a quantity, for "there is no ...". */
function bare(what: string): string {
  return what.replace(/^(a|an|any|the|some|exactly (one|two|three|\d+)) /, '')
}

function beOf(number: string): 'is' | 'are' {
  return /^(one|1|a single|a|an)$/i.test(number) ? 'is' : 'are'
}

/** "dogs" after "two", "dog" after "one". */
function counted(what: string, number: string): string {
  if (beOf(number) === 'are') return what
  return what.replace(/(\w+)$/, (word) =>
    word
      .replace(/men$/, 'man')
      .replace(/ves$/, 'f')
      .replace(/ies$/, 'y')
      .replace(/(s|x|ch|sh)es$/, '$1')
      .replace(/([^s])s$/, '$1'),
  )
}

/** "says" for "does say", "say" for "do say". */
function conjugated(verb: string | undefined, aux: string | undefined): string {
  if (aux !== 'does' || verb === undefined) return verb ?? ''
  if (verb === 'have') return 'has'
  return /(s|x|ch|sh|o)$/.test(verb)
    ? `${verb}es`
    : /[^aeiou]y$/.test(verb)
      ? `${verb.slice(0, -1)}ies`
      : `${verb}s`
}

/** An answer that is a whole sentence already: "The car is red." */
function isSentence(answer: string): boolean {
  return /^(the|there|a|an|this|that|these|those|it|they|he|she)\b.+\b(is|are|was|were|has|have)\b/i.test(
    answer,
  )
}

/** Without marks at the end; the first word in lower case unless the next letters are capitals too. */
function tidy(text: string): string {
  const bareText = text.trim().replace(/[\s.?!]+$/, '')
  return /^\p{Lu}(?!\p{Lu})/u.test(bareText) ? bareText.charAt(0).toLowerCase() + bareText.slice(1) : bareText
}
