import type { Random } from './random.ts'

const [VOWELS, CONSONANTS] = ['aeiou', 'bcdfghklmnprstvwz']
const PAPERS = ['#faf8f0', '#fadc5a', '#283c78', '#be3232', '#1e1e22', '#328250']
/** Papers that are written on in black. */
const LIGHT = PAPERS.slice(0, 2)
/** Heights of the words' centres, between the rows of objects. */
const LINES = [9, 32, 64, 87]

/** A picture of the embedded world with a made-up word written over it, as `tools/world/lettering.py` writes them; PNG. */
export async function lettered(
  picture: Uint8Array<ArrayBuffer>,
  random: Random,
): Promise<Uint8Array<ArrayBuffer>> {
  const bitmap = await createImageBitmap(new Blob([picture]))
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
  const draw = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D
  draw.drawImage(bitmap, 0, 0)
  const word = Array.from({ length: 3 + random.below(5) }, (_, i) => {
    const letters = (i % 2 === 0 ? CONSONANTS : VOWELS) as string
    return letters[random.below(letters.length)]
  }).join('')
  const text = random.uniform() < 0.6 ? word.toUpperCase() : `${word[0]?.toUpperCase()}${word.slice(1)}`
  const size = 11 + random.below(5)
  const [x, y] = [30 + random.below(37), LINES[random.below(LINES.length)] as number]
  const paper = PAPERS[random.below(PAPERS.length + 1)]
  Object.assign(draw, { font: `${size}px sans-serif`, textAlign: 'center', textBaseline: 'middle' })
  if (paper === undefined) {
    Object.assign(draw, { strokeStyle: '#1e1e28', lineWidth: 4, lineJoin: 'round', fillStyle: '#fff' })
    draw.strokeText(text, x, y)
  } else {
    const width = draw.measureText(text).width + 8
    draw.fillStyle = paper
    draw.beginPath()
    draw.roundRect(x - width / 2, y - size / 2 - 3, width, size + 6, 3)
    draw.fill()
    draw.fillStyle = LIGHT.includes(paper) ? '#19191e' : '#fafafa'
  }
  draw.fillText(text, x, y)
  return new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())
}
