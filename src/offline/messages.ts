/** What a page sends to the service worker of a new version that waits: take over now. */
export const TAKE_OVER = 'take over'
