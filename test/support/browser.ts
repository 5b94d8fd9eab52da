import { provideBrowser } from '../../src/cli/browser.ts'

/** Runs once before the tests that need a browser. */
export default function setup(): void {
  provideBrowser()
}
