import { expect, test, vi } from 'vitest'
import { openOnnx } from '../../src/models/onnx.ts'
import { VisionGraph } from '../../src/models/vision-graph.ts'
import { goldenFile } from '../support/goldens.ts'

test('a graph that is no vision encoder is refused and closed', async () => {
  const source = await goldenFile('clip/model/onnx/text_model.onnx')
  const session = await openOnnx(await source.read(0, source.byteLength))
  await session.release()
  const release = vi.spyOn(Object.getPrototypeOf(session) as typeof session, 'release')
  await expect(VisionGraph.open(source, 32)).rejects.toThrow('expected an input pixel_values')
  expect(release).toHaveBeenCalledTimes(1)
  release.mockRestore()
})
