import { describe, expect, test } from 'vitest'
import { browserLaunch, launchFlags, sandboxWorks } from '../../src/cli/launch.ts'
import { fakeMachine } from '../support/machine.ts'

const unshareWorks = (commandLine: string) => (commandLine.startsWith('unshare') ? '' : undefined)

describe('launchFlags', () => {
  test.each(['linux', 'darwin', 'win32'] as const)(
    'on %s switch WebGPU on and calls home off',
    (platform) => {
      expect(launchFlags(fakeMachine({ platform }))).toEqual(
        expect.arrayContaining([
          '--enable-unsafe-webgpu',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
          '--disable-quic',
          '--no-first-run',
        ]),
      )
    },
  )

  test.each(['/dev/dri/renderD128', '/dev/nvidia0', '/dev/dxg'])(
    'ask for Vulkan on Linux with %s',
    (node) => {
      const flags = launchFlags(fakeMachine({ files: [node] }))
      expect(flags).toEqual(expect.arrayContaining(['--enable-features=Vulkan', '--use-angle=vulkan']))
      expect(flags.join(' ')).not.toContain('swiftshader')
    },
  )

  test('ask for the software adapter on Linux without a GPU', () => {
    const flags = launchFlags(fakeMachine())
    expect(flags).toContain('--use-webgpu-adapter=swiftshader')
    expect(flags.join(' ')).not.toContain('ulkan')
  })

  test.each(['darwin', 'win32'] as const)('leave the backend to Chrome on %s', (platform) => {
    expect(launchFlags(fakeMachine({ platform })).join(' ')).not.toMatch(/ulkan|swiftshader|no-sandbox/)
  })
})

describe('the sandbox', () => {
  test.each([
    ['macOS', { platform: 'darwin' }, true],
    ['Linux as root', { outputs: unshareWorks }, false],
    ['Linux as a user', { isRoot: false, outputs: unshareWorks }, true],
    ['a container without user namespaces', { isRoot: false }, false],
  ] as const)('on %s', (_, changes, works) => {
    const machine = fakeMachine(changes)
    expect(sandboxWorks(machine)).toBe(works)
    expect(launchFlags(machine).includes('--no-sandbox')).toBe(!works)
    expect(browserLaunch('/chrome', machine)).toMatchObject({
      executablePath: '/chrome',
      chromiumSandbox: works,
    })
  })
})
