const KEY = 'paused run'

/** Which run was paused in this tab, for as long as the tab is there: when it is reloaded, that run does not go on by itself. */
export const pausedRun = {
  is: (id: string): boolean => sessionStorage.getItem(KEY) === id,
  note: (id: string): void => sessionStorage.setItem(KEY, id),
  forget: (): void => sessionStorage.removeItem(KEY),
}
