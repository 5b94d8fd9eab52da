/** A picture with transparency: RGBA, a row after the other, colours not multiplied by alpha. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray // (height, width, 4)
}

/** How a thing stands in a picture. */
export interface Cut {
  /** Of the emoji in the picture, in pixels. */
  readonly side: number
  /** Anticlockwise, in degrees. */
  readonly angle: number
  readonly flip: boolean
}

/** Room around an emoji for its shadow and its corners when it is turned, in pixels. */
const ROOM = 12
const SHADOW = { red: 20, green: 24, blue: 40, strength: 0.45, blur: 1.6, down: 2 }

/**
 * Cuts a sprite out of an emoji as `sprite` in `tools/world/sprites.py` does with Pillow: mirrored, turned (bicubic), made small
 * (Lanczos) and put on a soft shadow. Rounds where Pillow does.
 */
export function cutSprite(emoji: Pixels, { side, angle, flip }: Cut): Pixels {
  const canvas = side + ROOM
  const upright = flip ? mirrored(emoji) : emoji
  const turned = angle === 0 ? upright : rotated(upright, angle)
  const scale = side / emoji.width
  const small = resized(turned, Math.round(turned.width * scale), Math.round(turned.height * scale))
  const [left, top] = [Math.floor((canvas - small.width) / 2), Math.floor((canvas - small.height) / 2)]
  const layer = blank(canvas, canvas)
  for (let y = 0; y < small.height; y++) {
    const row = small.data.subarray(4 * y * small.width, 4 * (y + 1) * small.width)
    layer.data.set(row, 4 * ((top + y) * canvas + left))
  }
  return onShadow(layer)
}

function blank(width: number, height: number): Pixels {
  return { width, height, data: new Uint8ClampedArray(4 * width * height) }
}

function mirrored({ width, height, data }: Pixels): Pixels {
  const out = blank(width, height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = 4 * (y * width + width - 1 - x)
      out.data.set(data.subarray(from, from + 4), 4 * (y * width + x))
    }
  return out
}

/** What is mixed of several pixels has to be weighed by alpha. */
function premultiplied({ width, height, data }: Pixels): Pixels {
  const out = blank(width, height)
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3] ?? 0
    for (let c = 0; c < 3; c++) out.data[i + c] = Math.round(((data[i + c] ?? 0) * alpha) / 255)
    out.data[i + 3] = alpha
  }
  return out
}

function straight({ width, height, data }: Pixels): Pixels {
  const out = blank(width, height)
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3] ?? 0
    for (let c = 0; c < 3; c++)
      out.data[i + c] = alpha === 0 ? 0 : Math.floor((255 * (data[i + c] ?? 0)) / alpha)
    out.data[i + 3] = alpha
  }
  return out
}

/** `Image.rotate(angle, BICUBIC, expand=True)`. */
function rotated(image: Pixels, angle: number): Pixels {
  const { width: w, height: h } = image
  const radians = (-angle * Math.PI) / 180
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)]
  const corners = [
    [0, 0],
    [w, 0],
    [w, h],
    [0, h],
  ] as const
  const xs = corners.map(([x, y]) => cos * (x - w / 2) + sin * (y - h / 2) + w / 2)
  const ys = corners.map(([x, y]) => -sin * (x - w / 2) + cos * (y - h / 2) + h / 2)
  const width = Math.ceil(Math.max(...xs)) - Math.floor(Math.min(...xs))
  const height = Math.ceil(Math.max(...ys)) - Math.floor(Math.min(...ys))
  const source = premultiplied(image)
  const out = blank(width, height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x + 0.5 - width / 2, y + 0.5 - height / 2]
      bicubic(
        source,
        cos * dx + sin * dy + w / 2,
        -sin * dx + cos * dy + h / 2,
        out.data,
        4 * (y * width + x),
      )
    }
  return straight(out)
}

/** The cubic through four values at a place between the middle two, Pillow's (a = -1). */
function cubic(a: number, b: number, c: number, d: number, at: number): number {
  return b + at * (c - a + at * (2 * (a - b) + c - d + at * (b - a - c + d)))
}

/** A place outside the image stays transparent. */
function bicubic(
  { width, height, data }: Pixels,
  x: number,
  y: number,
  out: Uint8ClampedArray,
  at: number,
): void {
  if (x < 0 || x >= width || y < 0 || y >= height) return
  const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)]
  const [dx, dy] = [x - 0.5 - left, y - 0.5 - top]
  const column = (i: number): number => 4 * Math.min(width - 1, Math.max(0, left + i))
  for (let c = 0; c < 4; c++) {
    const rowOf = (j: number): number => {
      const start = 4 * width * Math.min(height - 1, Math.max(0, top + j)) + c
      const value = (i: number): number => data[start + column(i)] ?? 0
      return cubic(value(-1), value(0), value(1), value(2), dx)
    }
    out[at + c] = Math.trunc(cubic(rowOf(-1), rowOf(0), rowOf(1), rowOf(2), dy))
  }
}

/** `Image.resize((width, height), LANCZOS)`. */
function resized(image: Pixels, width: number, height: number): Pixels {
  const wide = resampled(premultiplied(image), width)
  return straight(transposed(resampled(transposed(wide), height)))
}

function transposed({ width, height, data }: Pixels): Pixels {
  const out = blank(height, width)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = 4 * (y * width + x)
      out.data.set(data.subarray(from, from + 4), 4 * (x * height + y))
    }
  return out
}

const LOBES = 3

function lanczos(x: number): number {
  if (x === 0) return 1
  if (Math.abs(x) >= LOBES) return 0
  const a = Math.PI * x
  return (LOBES * Math.sin(a) * Math.sin(a / LOBES)) / (a * a)
}

/** Makes rows of another width. */
function resampled({ width: from, height, data }: Pixels, width: number): Pixels {
  const scale = from / width
  const stretch = Math.max(1, scale)
  const support = LOBES * stretch
  const out = blank(width, height)
  for (let x = 0; x < width; x++) {
    const centre = (x + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const last = Math.min(from, Math.trunc(centre + support + 0.5))
    const weights = Array.from({ length: last - first }, (_, i) =>
      lanczos((first + i - centre + 0.5) / stretch),
    )
    const sum = weights.reduce((total, weight) => total + weight, 0)
    for (let y = 0; y < height; y++)
      for (let c = 0; c < 4; c++) {
        const start = 4 * (y * from + first) + c
        const value = weights.reduce((total, weight, i) => total + weight * (data[start + 4 * i] ?? 0), 0)
        out.data[4 * (y * width + x) + c] = Math.round(value / sum)
      }
  }
  return out
}

/** A layer over its own blurred, darkened and lowered outline. */
function onShadow({ width, height, data }: Pixels): Pixels {
  const outline = Float64Array.from({ length: width * height }, (_, i) => data[4 * i + 3] ?? 0)
  const shadow = blurred(outline, width, SHADOW.blur)
  const out = blank(width, height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = 4 * (y * width + x)
      const above = (data[i + 3] ?? 0) / 255
      const under =
        y < SHADOW.down ? 0 : Math.round((shadow[(y - SHADOW.down) * width + x] ?? 0) * SHADOW.strength) / 255
      const alpha = above + under * (1 - above)
      if (alpha === 0) continue
      const colours = [SHADOW.red, SHADOW.green, SHADOW.blue]
      for (let c = 0; c < 3; c++)
        out.data[i + c] = Math.round(
          ((data[i + c] ?? 0) * above + (colours[c] ?? 0) * under * (1 - above)) / alpha,
        )
      out.data[i + 3] = Math.round(255 * alpha)
    }
  return out
}

const PASSES = 3

/** Pillow's GaussianBlur: box blurs of a width between whole numbers, first along rows, then along columns. */
function blurred(values: Float64Array, width: number, radius: number): Float64Array {
  const variance = (radius * radius) / PASSES
  const whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2)
  const part = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) ** 2))
  const height = values.length / width
  let rows = values
  for (let i = 0; i < PASSES; i++) rows = boxBlurred(rows, width, whole + part)
  let columns = turned(rows, width)
  for (let i = 0; i < PASSES; i++) columns = boxBlurred(columns, height, whole + part)
  return turned(columns, height)
}

function turned(values: Float64Array, width: number): Float64Array {
  const height = values.length / width
  return values.map((_, i) => values[(i % height) * width + Math.floor(i / height)] ?? 0)
}

/** Beyond its ends a row goes on as it ends. */
function boxBlurred(values: Float64Array, width: number, radius: number): Float64Array {
  const whole = Math.floor(radius)
  const full = 1 / (2 * radius + 1)
  const rest = (1 - (2 * whole + 1) * full) / 2
  return values.map((_, i) => {
    const [start, x] = [Math.floor(i / width) * width, i % width]
    const at = (offset: number): number => values[start + Math.min(width - 1, Math.max(0, x + offset))] ?? 0
    let sum = rest * (at(-whole - 1) + at(whole + 1))
    for (let offset = -whole; offset <= whole; offset++) sum += full * at(offset)
    return Math.round(sum)
  })
}
