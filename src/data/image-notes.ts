import type { ByteSource } from './bytes.ts'
import { readCsv } from './csv.ts'
import { DataError } from './data-error.ts'
import type { Folder } from './folder.ts'
import type { ImageNotes } from './image-records.ts'
import { brief } from './images.ts'
import { readJsonLines } from './jsonl.ts'
import { extension, folderOf, relativePath } from './paths.ts'
import { popeSplit } from './pope.ts'
import { joinTruth, questionColumn, truthOfRow } from './truth.ts'

const CAPTION_COLUMNS = ['captions', 'caption', 'text'] as const
const NAME_COLUMNS = ['file_name', 'image', 'file', 'filename', 'name', 'path'] as const

/**
 * What a row says of its image: `captions`, `caption` or `text` (one or a list), the columns of `ImageTruth`, and a yes/no question
 * as in POPE's files.
 * @param file the row's, which tells which of POPE's questions they are.
 * @throws {DataError} naming the column, what was expected and what came.
 */
export function notesOfRow(values: Readonly<Record<string, unknown>>, file = ''): ImageNotes {
  const question = questionColumn(values)
  const column = CAPTION_COLUMNS.find(
    (name) => name !== question && values[name] !== undefined && values[name] !== null,
  )
  const captions = column && captionList(values[column], column)
  const truth = truthOfRow(values, popeSplit(file))
  return { ...(captions && captions.length > 0 ? { captions } : {}), ...(truth ? { truth } : {}) }
}

function captionList(value: unknown, column: string): string[] {
  const list = Array.isArray(value) ? value : [value]
  if (!list.every((item) => typeof item === 'string'))
    throw new DataError(`${column}: expected a text or a list of texts, got ${brief(value)}`)
  return list.map((text) => text.trim()).filter((text) => text !== '')
}

/** Joins what two rows say of one image; what both say is said once. */
export function joinNotes(a: ImageNotes | undefined, b: ImageNotes): ImageNotes {
  const captions = [...new Set([...(a?.captions ?? []), ...(b.captions ?? [])])]
  const truth = a?.truth && b.truth ? joinTruth(a.truth, b.truth) : (b.truth ?? a?.truth)
  return { ...(captions.length > 0 ? { captions } : {}), ...(truth ? { truth } : {}) }
}

/** Files beside images that tell of many of them: Hugging Face's `metadata`, or `captions`. */
export function isNotesFile(path: string): boolean {
  return /(^|\/)(metadata|captions)\.(jsonl|csv|tsv)$/i.test(path)
}

/**
 * What the notes files of a folder say, by the path of the image in its normal form (`String.normalize`); paths in them are
 * relative to the file.
 * @throws {DataError} naming file and row, what was expected and what came.
 */
export async function readNotesFiles(folder: Folder, signal?: AbortSignal): Promise<Map<string, ImageNotes>> {
  const notes = new Map<string, ImageNotes>()
  for (const path of (folder.paths ?? []).filter(isNotesFile)) {
    const source = await folder.open(path, signal)
    if (!source) continue
    for await (const { where, values } of rowsOf(source, path, signal)) {
      const name = NAME_COLUMNS.map((column) => values[column]).find((value) => typeof value === 'string')
      const image = name === undefined ? undefined : relativePath(folderOf(path) + name)?.normalize()
      if (image === undefined)
        throw new DataError(
          `${where}: expected the image's path below the folder in one of the columns ${NAME_COLUMNS.join(', ')}, got ` +
            (name === undefined
              ? `none of them; its columns are ${brief(Object.keys(values).join(', '))}`
              : brief(name)),
        )
      notes.set(
        image,
        joinNotes(
          notes.get(image),
          located(where, () => notesOfRow(values)),
        ),
      )
    }
  }
  return notes
}

async function* rowsOf(
  source: ByteSource,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ where: string; values: Readonly<Record<string, unknown>> }> {
  if (extension(path) === 'jsonl') {
    yield* readJsonLines(source, signal)
    return
  }
  const text = new TextDecoder().decode(await source.read(0, source.byteLength, signal))
  const records = readCsv(text, source.name, extension(path) === 'tsv' ? '\t' : separatorOf(text))
  for (const [i, values] of records.entries()) yield { where: `${source.name}: record ${i + 1}`, values }
}

/** Where a comma separates decimals, spreadsheets write semicolons. */
function separatorOf(text: string): string {
  const header = text.slice(0, text.indexOf('\n'))
  return header.includes(';') && !header.includes(',') ? ';' : ','
}

/** Puts file and row before an error's message. */
export function located<T>(where: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw cause instanceof DataError ? new DataError(`${where}: ${cause.message}`, { cause }) : cause
  }
}
