/** A name that a visitor gave as that of a file or folder. @param otherwise where nothing of it can be kept. */
export function fileStem(name: string, otherwise: string): string {
  return name.replace(/[^\p{L}\p{N}_.-]+/gu, '-').replace(/^[-.]+/, '') || otherwise
}

/** Gives the visitor a file to keep. */
export function download(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
