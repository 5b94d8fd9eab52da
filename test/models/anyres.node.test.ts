import { describe, expect, test } from 'vitest'
import {
  type AnyresGrid,
  anyresGrid,
  anyresRows,
  bestResolution,
  fittedSize,
  mostAnyresRows,
} from '../../src/models/anyres.ts'
import { NEXT_PINPOINTS, ONEVISION_PINPOINTS, parseAnyresConfig } from '../../src/models/anyres-config.ts'
import { packTiles, packWhole } from '../../src/models/anyres-packing.ts'
import golden from '../goldens/anyres/golden.json'
import { relativeError } from '../support/numeric.ts'
import { Random } from '../support/random.ts'

/** Columns of the golden, tile size and features along its side, of each model on the hub. */
const HUB = {
  'llava-v1.6': { at: 2, pinpoints: NEXT_PINPOINTS, tileSize: 336, side: 24 },
  'llava-onevision': { at: 5, pinpoints: ONEVISION_PINPOINTS, tileSize: 384, side: 27, maxTiles: 9 },
}

describe.each(Object.entries(HUB))('of %s', (_, { at, pinpoints, tileSize, side, ...rest }) => {
  const maxTiles = 'maxTiles' in rest ? rest.maxTiles : undefined

  test('resolutions and image tokens equal those of Python’s processor, for pictures of many sizes', () => {
    for (const row of golden.hub) {
      const [height = 0, width = 0] = row
      const resolution = bestResolution({ width, height }, pinpoints)
      const tiles = { rows: resolution.height / tileSize, cols: resolution.width / tileSize }
      const rows = side * side + anyresRows(anyresGrid({ width, height }, tiles, side, maxTiles))
      expect([height, width, resolution.height, resolution.width, rows]).toEqual([
        height,
        width,
        ...row.slice(at, at + 3),
      ])
    }
  })

  test('no picture has more than the most', () => {
    const grids = pinpoints.map(([height, width]) => ({ rows: height / tileSize, cols: width / tileSize }))
    const most = side * side + mostAnyresRows(grids, side, maxTiles)
    const largest = Math.max(...golden.hub.map((row) => row[at + 2] ?? 0))
    expect(most).toBeGreaterThanOrEqual(largest)
    expect(most).toBeLessThan(1.02 * largest)
  })
})

test('an image just fits its resolution, rounded up but never beyond it', () => {
  const resolution = { width: 30, height: 45 }
  expect(fittedSize({ width: 10, height: 15 }, resolution)).toEqual(resolution)
  expect(fittedSize({ width: 7, height: 3 }, resolution)).toEqual({ width: 30, height: 13 })
  expect(fittedSize({ width: 2, height: 900 }, resolution)).toEqual({ width: 1, height: 45 })
})

const HIDDEN = 3

/** The grid's features as Python's tensors have them, by plain loops: (rows, cols, hidden), unpadded and interpolated. */
function reference(parts: readonly Float32Array[], grid: AnyresGrid): number[] {
  const { tiles, side, kept, final } = grid
  const feature = (row: number, col: number, i: number): number => {
    const [y, x] = [row + kept.top, col + kept.left]
    const [tileRow, tileCol] = [Math.floor(y / side), Math.floor(x / side)]
    const place = (y - tileRow * side) * side + (x - tileCol * side)
    return parts[tileRow * tiles.cols + tileCol]?.[place * HIDDEN + i] ?? Number.NaN
  }
  const along = (at: number, to: number, from: number): [number, number, number] => {
    const center = Math.max((at + 0.5) * (from / to) - 0.5, 0)
    const first = Math.floor(center)
    return [first, first + (first < from - 1 ? 1 : 0), center - first]
  }
  const values: number[] = []
  for (let row = 0; row < final.rows; row++) {
    for (let col = 0; col < final.cols; col++) {
      const [top, bottom, down] = along(row, final.rows, kept.rows)
      const [left, right, across] = along(col, final.cols, kept.cols)
      for (let i = 0; i < HIDDEN; i++) {
        const above = (1 - across) * feature(top, left, i) + across * feature(top, right, i)
        const below = (1 - across) * feature(bottom, left, i) + across * feature(bottom, right, i)
        values.push((1 - down) * above + down * below)
      }
    }
    values.push(...NEWLINE)
  }
  return values
}

const NEWLINE = Float32Array.of(0.5, -2, 7)

function randomTiles(count: number, side: number, seed: number): Float32Array<ArrayBuffer>[] {
  const random = new Random(seed)
  return Array.from({ length: count }, () => Float32Array.from(random.normals(side * side * HIDDEN)))
}

test.each([
  ['wide and padded', { width: 90, height: 31 }, { rows: 2, cols: 3 }, 5, undefined],
  ['tall and padded', { width: 17, height: 71 }, { rows: 3, cols: 2 }, 3, undefined],
  ['full', { width: 30, height: 20 }, { rows: 2, cols: 3 }, 4, undefined],
  ['so flat that nothing is left', { width: 300, height: 1 }, { rows: 2, cols: 2 }, 2, undefined],
  ['more than is taken', { width: 50, height: 50 }, { rows: 3, cols: 3 }, 5, 2],
  ['padded and more than is taken', { width: 90, height: 61 }, { rows: 3, cols: 4 }, 5, 3],
] as const)('tiles are put together as tensors would be: %s', (_, image, tiles, side, maxTiles) => {
  const grid = anyresGrid(image, tiles, side, maxTiles)
  const [base = new Float32Array(), ...parts] = randomTiles(1 + tiles.rows * tiles.cols, side, side)
  const packed = packTiles([base, ...parts], grid, NEWLINE)
  expect(packed.length).toBe((side * side + anyresRows(grid)) * HIDDEN)
  expect([...packed.subarray(0, base.length)]).toEqual([...base])
  const expected = reference(parts, grid)
  if (grid.final.rows === 0) return expect(expected).toEqual([])
  expect(relativeError(packed.subarray(base.length), expected)).toBeLessThan(2e-7)
  const swapped = packTiles([base, ...parts.toReversed()], grid, NEWLINE)
  expect(relativeError(swapped.subarray(base.length), expected)).toBeGreaterThan(0.1)
})

test('a limit takes hold only where a tenth too much would be kept, and divides as Python does', () => {
  const final = (side: number, count: number) =>
    anyresGrid({ width: 9, height: 9 }, { rows: count, cols: count }, side, 9).final
  expect(final(27, 3)).toEqual({ rows: 81, cols: 81 })
  expect(final(27, 4)).toEqual({ rows: 81, cols: 81 })
  expect(final(27, 5)).toEqual({ rows: 80, cols: 80 }) // 135 // (5 / 3)
})

test('another number of tiles or features than the settings say is refused with both', () => {
  const grid = anyresGrid({ width: 9, height: 9 }, { rows: 2, cols: 2 }, 3)
  expect(() => packTiles(randomTiles(4, 3, 1), grid, NEWLINE)).toThrow('expected 5 tiles')
  expect(() => packTiles(randomTiles(5, 4, 1), grid, NEWLINE)).toThrow(
    "expected 3 x 3 rows of features for a tile, as config.json's vision_config says, got 16",
  )
})

test('an image among others ends in one newline', () => {
  const [tile = new Float32Array()] = randomTiles(1, 2, 3)
  expect([...packWhole(tile, NEWLINE)]).toEqual([...tile, ...NEWLINE])
})

describe('config.json', () => {
  const next = 'LlavaNextForConditionalGeneration'
  const onevision = 'LlavaOnevisionForConditionalGeneration'

  test('says how tiles are put together, with transformers’ defaults for what it leaves out', () => {
    expect(parseAnyresConfig('LlavaForConditionalGeneration', {})).toBeUndefined()
    expect(parseAnyresConfig(next, {})).toEqual({ pinpoints: NEXT_PINPOINTS, tileSize: 336, side: 24 })
    expect(parseAnyresConfig(onevision, {})).toMatchObject({ tileSize: 384, side: 27, maxTiles: 9 })
    expect(parseAnyresConfig(next, { vision_config: {} })).toMatchObject({ tileSize: 224, side: 7 })
    const siglip = {
      vision_config: { model_type: 'siglip_vision_model' },
      vision_aspect_ratio: 'anyres_max_4',
    }
    expect(parseAnyresConfig(onevision, siglip)).toMatchObject({ tileSize: 224, side: 14, maxTiles: 4 })
  })

  test('is refused where it names no tiles', () => {
    expect(() => parseAnyresConfig(onevision, { vision_aspect_ratio: 'pad' })).toThrow(
      'vision_aspect_ratio: expected anyres_max_ and a number of tiles, got pad',
    )
    expect(() => parseAnyresConfig(next, { image_grid_pinpoints: [] })).toThrow('image_grid_pinpoints')
    expect(() => parseAnyresConfig(next, { vision_config: { model_type: 'dino' } })).toThrow('got undefined')
  })
})
