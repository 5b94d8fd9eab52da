import { describe, expect, test } from 'vitest'
import {
  BrowserMissingError,
  findBrowser,
  installedPaths,
  installSteps,
  provideBrowser,
} from '../../src/cli/browser.ts'
import { fakeMachine } from '../support/machine.ts'

const runs = (commandLine: string) =>
  commandLine.endsWith('--version') ? 'Chromium 140.0.1 built on Debian' : undefined

describe('findBrowser', () => {
  test('takes CHROME_PATH before all', () => {
    const machine = fakeMachine({
      env: { PATH: '/usr/bin', CHROME_PATH: '/opt/mine' },
      files: ['/opt/mine', '/usr/bin/google-chrome'],
      outputs: runs,
    })
    expect(findBrowser(machine)).toBe('/opt/mine')
  })

  test('refuses a CHROME_PATH that leads nowhere instead of taking another browser', () => {
    const machine = fakeMachine({
      env: { PATH: '/usr/bin', CHROME_PATH: '/opt/mine' },
      files: ['/usr/bin/chromium'],
      outputs: runs,
    })
    expect(() => findBrowser(machine)).toThrow(BrowserMissingError)
    expect(() => findBrowser(machine)).toThrow('got /opt/mine, which is none; correct it or unset it')
    expect(() => provideBrowser(machine)).toThrow(BrowserMissingError)
    expect(machine.commands).toEqual([])
  })

  test('finds Chrome before Chromium before Edge, then what Playwright downloaded', () => {
    const machine = fakeMachine({
      files: [
        '/usr/bin/microsoft-edge',
        '/usr/bin/chromium',
        '/usr/local/bin/google-chrome',
        '/playwright/chromium/chrome',
      ],
      outputs: runs,
    })
    const found: (string | undefined)[] = []
    for (let path = findBrowser(machine); path; path = findBrowser(machine)) {
      found.push(path)
      machine.files.delete(path)
    }
    expect(found).toEqual([
      '/usr/local/bin/google-chrome',
      '/usr/bin/chromium',
      '/usr/bin/microsoft-edge',
      '/playwright/chromium/chrome',
    ])
  })

  test.each([
    ['does not start, as a pointer to a snap', undefined],
    ['is older than WebGPU', 'Chromium 112.0.5615.49'],
  ])('passes over a browser that %s', (_, version) => {
    const machine = fakeMachine({ files: ['/usr/bin/chromium-browser'], outputs: () => version })
    expect(findBrowser(machine)).toBeUndefined()
  })

  test('knows where macOS and Windows keep browsers, and starts none on Windows to look at it', () => {
    expect(installedPaths(fakeMachine({ platform: 'darwin', env: { HOME: '/Users/me' } }))).toEqual([
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Users/me/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Users/me/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
      '/Users/me/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    ])
    const edge = 'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe'
    const windows = fakeMachine({
      platform: 'win32',
      env: { PROGRAMFILES: 'C:\\Program Files', 'PROGRAMFILES(X86)': 'C:\\Program Files (x86)' },
      files: [edge],
    })
    expect(findBrowser(windows)).toBe(edge)
    expect(windows.commands).toEqual([])
  })
})

describe('provideBrowser', () => {
  test('installs nothing where there is a browser', () => {
    const machine = fakeMachine({ files: ['/usr/bin/chromium'], outputs: runs })
    expect(provideBrowser(machine)).toBe('/usr/bin/chromium')
    expect(machine.commands).toEqual(['/usr/bin/chromium --version'])
  })

  test('on Debian as root installs by apt and says so, without asking Playwright', () => {
    const machine = fakeMachine({
      outputs(commandLine, files) {
        if (commandLine.includes('install')) files.add('/usr/bin/chromium')
        return commandLine.endsWith('--version') ? 'Chromium 140.0.1' : ''
      },
    })
    expect(provideBrowser(machine)).toBe('/usr/bin/chromium')
    expect(machine.commands[1]).toMatch(/^apt-get .*install -y --no-install-recommends chromium$/)
    expect(machine.commands.some((line) => line.startsWith('playwright'))).toBe(false)
    expect(machine.lines).toEqual([
      'clip-dpo: no Chrome, Chromium or Edge found; installing Chromium: apt-get install chromium',
    ])
  })

  test('where apt fails, goes on to Playwright', () => {
    const machine = fakeMachine({
      outputs(commandLine, files) {
        if (!commandLine.startsWith('playwright')) return undefined
        files.add('/playwright/chromium/chrome')
        return ''
      },
    })
    expect(provideBrowser(machine)).toBe('/playwright/chromium/chrome')
  })

  test('an installer that reports success and leaves no browser is not believed', () => {
    const machine = fakeMachine({ outputs: () => '' })
    expect(() => provideBrowser(machine)).toThrow(
      /tried apt-get install chromium \(left no browser\), then playwright-core install .*\(left no browser\)/,
    )
  })

  test('where nothing works, stops and says what to do', () => {
    const machine = fakeMachine({ platform: 'darwin', distribution: '' })
    expect(() => provideBrowser(machine)).toThrow(
      /found none; tried playwright-core install --no-shell chromium \(failed\)\. Install one .* or set CHROME_PATH/,
    )
  })
})

test.each([
  [
    'Debian as root',
    {},
    ['apt-get install chromium', 'playwright-core install --with-deps --no-shell chromium'],
  ],
  ['Debian as a user', { isRoot: false }, ['playwright-core install --no-shell chromium']],
  [
    'Ubuntu as root',
    { distribution: 'ubuntu debian' },
    ['playwright-core install --with-deps --no-shell chromium'],
  ],
  ['Fedora as root', { distribution: 'fedora' }, ['playwright-core install --no-shell chromium']],
  [
    'Windows',
    { platform: 'win32', isRoot: false, distribution: '' },
    ['playwright-core install --no-shell chromium'],
  ],
] as const)('the ways to a browser on %s', (_, changes, titles) => {
  expect(installSteps(fakeMachine(changes)).map((step) => step.title)).toEqual(titles)
})
