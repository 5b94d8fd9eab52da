export async function findBrowser(): Promise<string> {
  return process.env.CHROME_PATH ?? '/usr/bin/chromium'
}
export function launchFlags(): string[] {
  return [
    '--no-sandbox',
    '--enable-unsafe-webgpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-quic',
    '--no-first-run',
  ]
}
