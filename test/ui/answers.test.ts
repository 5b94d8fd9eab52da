import { afterEach, expect, test } from 'vitest'
import { AnswerText } from '../../src/ui/answer-text.ts'
import { CameraShot } from '../../src/ui/camera-shot.ts'

afterEach(() => document.body.replaceChildren())

const token = (text: string, p: number, others: Readonly<Record<string, number>> = {}) => ({
  text,
  logprob: Math.log(p),
  top: Object.entries({ [text]: p, ...others }).map(([other, q]) => ({ text: other, logprob: Math.log(q) })),
})

async function show(answer: AnswerText['answer']) {
  const element = new AnswerText()
  element.name = 'As it was'
  element.answer = answer
  document.body.append(element)
  await element.updateComplete
  const root = element.shadowRoot as ShadowRoot
  const lines = () =>
    [...root.querySelectorAll('.detail li')].map((li) => li.textContent?.replace(/\s+/g, ' ').trim())
  return { element, root, lines }
}

const WHOLE = {
  text: ' A cup, a spoon',
  marked: [
    { text: ' A ' },
    { text: 'cup', verdict: 'grounded' },
    { text: ', a ' },
    { text: 'spoon', verdict: 'hallucinated' },
  ],
  tokens: [
    token(' A', 0.9),
    token(' cup', 0.8),
    token(',', 0.5),
    token(' a', 1),
    token(' spoon', 0.625, { ' fork': 0.25, '': 0.0001 }),
    token('', 0.75),
  ],
} as const

test('while it grows an answer is text alone, marked where the truth is known', async () => {
  const { root } = await show({ text: WHOLE.text, marked: WHOLE.marked })
  expect(root.querySelector('del')?.textContent).toContain('spoon')
  expect(root.querySelector('ins')?.textContent).toContain('cup')
  expect(root.querySelector('[data-token]')).toBeNull()
})

test('pointing at a word tells how likely it was and what else might have stood there', async () => {
  const { element, root, lines } = await show(WHOLE)
  expect(root.querySelector('del')?.textContent).toContain('spoon')
  expect(lines()).toEqual([])
  root.querySelector('del [data-token]')?.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))
  await element.updateComplete
  expect(lines()).toEqual(['spoon 62.5%', 'fork 25.0%', '(ends here) <0.1%'])
  root.querySelector('.whole')?.dispatchEvent(new PointerEvent('pointerleave'))
  await element.updateComplete
  expect(lines()).toEqual([])
})

test('so do the arrow keys, to the end of the answer and not past it', async () => {
  const { element, root, lines } = await show(WHOLE)
  const whole = root.querySelector<HTMLElement>('.whole')
  whole?.focus()
  const press = async (key: string) => {
    whole?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
    await element.updateComplete
  }
  await element.updateComplete
  expect(lines()).toEqual(['A 90.0%'])
  await press('ArrowRight')
  expect(lines()).toEqual(['cup 80.0%'])
  await press('End')
  await press('ArrowRight')
  expect(lines()).toEqual(['(ends here) 75.0%'])
  await press('Home')
  await press('ArrowLeft')
  expect(lines()).toEqual(['A 90.0%'])
})

test('the camera’s picture is taken as the page shows it, and the camera let go', async () => {
  const canvas = document.createElement('canvas')
  canvas.width = 64
  canvas.height = 32
  const paint = setInterval(() => {
    const context = canvas.getContext('2d')
    if (!context) return
    context.fillStyle = '#0a0'
    context.fillRect(0, 0, 64, 32)
  }, 30)
  const stream = canvas.captureStream(30)
  const before = navigator.mediaDevices.getUserMedia
  navigator.mediaDevices.getUserMedia = async () => stream
  try {
    const camera = new CameraShot()
    const shots: File[] = []
    camera.addEventListener('shot', (event) => shots.push((event as CustomEvent<File>).detail))
    document.body.append(camera)
    await camera.updateComplete
    const take = camera.shadowRoot?.querySelector<HTMLButtonElement>('button.primary')
    expect(take?.disabled).toBe(true) // nothing is seen yet
    await expect.poll(() => take?.disabled).toBe(false)
    take?.click()
    await expect.poll(() => shots.length).toBe(1)
    const image = await createImageBitmap(shots[0] as File)
    expect([image.width, image.height]).toEqual([32, 32])
    camera.remove()
    expect(stream.getTracks().map(({ readyState }) => readyState)).toEqual(['ended'])
  } finally {
    clearInterval(paint)
    navigator.mediaDevices.getUserMedia = before
  }
})

test('a camera that is forbidden is told of in plain words', async () => {
  const before = navigator.mediaDevices.getUserMedia
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('Permission denied', 'NotAllowedError')
  }
  try {
    const camera = new CameraShot()
    document.body.append(camera)
    await expect.poll(() => camera.shadowRoot?.textContent).toContain('does not allow the camera')
  } finally {
    navigator.mediaDevices.getUserMedia = before
  }
})
