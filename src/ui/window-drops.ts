/** Keeps a window from leaving the page for a file that is dropped beside what takes files. @returns what ends this. */
export function keepPageOnDrop(target: EventTarget): () => void {
  const refuse = (event: Event): void => {
    if (event.defaultPrevented || !(event instanceof DragEvent) || !event.dataTransfer) return
    if (!event.dataTransfer.types.includes('Files')) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'none'
  }
  for (const type of ['dragover', 'drop']) target.addEventListener(type, refuse)
  return () => {
    for (const type of ['dragover', 'drop']) target.removeEventListener(type, refuse)
  }
}
