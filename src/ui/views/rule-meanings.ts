/** What each rule of the funnel does, in one plain sentence; by the rule's name. */
export const RULE_MEANINGS: Readonly<Record<string, string>> = {
  'unreadable question':
    'Of what the text model wrote, only questions in the form that was asked for can be used.',
  duplicates: 'The same text to the same question counts once.',
  'image contains text':
    'Writing in a picture raises CLIP’s score of texts that repeat it, so such pictures go.',
  'finish reason length':
    'Answers cut off at the longest length do not show how the model would have ended them.',
  'past CLIP context': 'CLIP cannot read texts longer than its context to their end.',
  'absolute score': 'Texts that fit the picture too badly in themselves go.',
  length: 'Texts with too few or too many words go.',
  'generic question': 'Questions that fit any picture teach nothing about this one.',
  'question score': 'Questions that do not fit the picture go.',
  'best-worst': 'Of each prompt’s candidates, only the best against the worst are compared.',
  all: 'Every two of a prompt’s candidates are compared.',
  'wrong answer': 'An answer made wrong is never preferred to one made right.',
  gap: 'CLIP must tell the two texts apart by at least this much.',
  'length ratio': 'Two texts of unlike lengths would teach the length and not the truth.',
  'chosen score': 'What is preferred must be good in itself, not only better.',
  'one pair of a prompt': 'Of each prompt’s pairs the one with the widest gap stays.',
  'pairs of an image': 'Of each picture’s pairs those with the widest gaps stay.',
  'by hand': 'What a person has struck out, flipped or added; the recipe lists it.',
}
